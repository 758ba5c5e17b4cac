// The made-up shop: what a real shop's own script would do with the chat.
//
//   <button data-chat data-about="…">   opens the chat; what it is about goes along as an attribute
//   <button data-identify data-id …>    says who is signed in, with the proof that the shop's server made; again: out

window.Pelanggan ??= [];
const chat = (verb, ...given) => window.Pelanggan.push([verb, ...given]);
const KEPT = "shop:signed-in";

function signs(button, isIn) {
  const { id, name, email, hash } = button.dataset;
  button.textContent = isIn ? button.dataset.out : button.dataset.in;
  button.toggleAttribute("data-signed", isIn);
  if (isIn) chat("identify", { id, name, email, hash });
}

const door = document.querySelector("[data-identify]");
if (door && localStorage.getItem(KEPT)) signs(door, true);

document.addEventListener("click", (event) => {
  const asks = event.target.closest("[data-chat]");
  if (asks) {
    if (asks.dataset.about) chat("setAttributes", { product: asks.dataset.about });
    chat("open");
    return;
  }
  const button = event.target.closest("[data-identify]");
  if (!button) return;
  const wasIn = button.hasAttribute("data-signed");
  if (wasIn) {
    localStorage.removeItem(KEPT);
    chat("reset");
  } else localStorage.setItem(KEPT, "1");
  signs(button, !wasIn);
});
