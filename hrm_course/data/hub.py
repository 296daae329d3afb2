"""Published files from the Hugging Face hub, or from the place where somebody has put them."""

from pathlib import Path, PurePosixPath

DATA = Path("data")


def fetch(repository: str, file: str, folder: str | Path = DATA, kind: str = "dataset") -> Path:
    """The local path ``folder/repository/file`` of a published file, downloaded if it isn't there.

    Args:
        repository: as on the hub, such as "sapientinc/sudoku-extreme".
        file: the file's path inside the repository, such as "test.csv".
        folder: where the files of all repositories lie.
        kind: "dataset" or "model".

    Raises:
        ValueError: a name is not one, or would leave the folder.
        FileNotFoundError: the file is not there and can't be downloaded; the sentence says where to
            put it.
    """
    for name in (repository, file):
        parts = PurePosixPath(name).parts if isinstance(name, str) else ()
        if not parts or ".." in parts or name.startswith("/") or "\\" in name:
            raise ValueError(f"{name!r} is not the name of a repository or of a file inside one.")
    if repository.count("/") != 1 or kind not in ("dataset", "model"):
        raise ValueError(
            f"A repository is named OWNER/NAME and is a 'dataset' or a 'model'; got {repository!r} "
            f"and {kind!r}."
        )
    here = Path(folder) / repository
    if (here / file).is_file():
        return here / file
    try:
        from huggingface_hub import hf_hub_download

        hf_hub_download(repository, file, repo_type=kind, local_dir=here)
        reason = "the download left no file"
    except ImportError:
        reason = "the package for it is missing: pip install huggingface_hub"
    except Exception as error:  # no network, no such file, no permission: all mean the same here
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    if (here / file).is_file():
        return here / file
    raise FileNotFoundError(
        f"{file} of the {kind} {repository} could not be downloaded ({reason}). Download it from "
        f"the Hugging Face hub on any machine and put it at {here / file}."
    )
