// A last question in a dialog, where there are scripts; without them it is a page of its own.

document.addEventListener("click", (event) => {
  const asks = event.target.closest("[data-confirm]");
  if (asks) {
    const box = document.getElementById(asks.dataset.confirm);
    if (!box) return;
    event.preventDefault();
    box.showModal();
  }
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
});
