// A page is printed as light as paper, and its quizzes with their answers.
{
  let theme;
  let opened = [];
  addEventListener("beforeprint", () => {
    const page = document.documentElement;
    theme = page.dataset.theme;
    page.dataset.theme = "light";
    opened = [...document.querySelectorAll(".quiz details:not([open])")];
    opened.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => {
    document.documentElement.dataset.theme = theme;
    opened.forEach((details) => (details.open = false));
  });
}
