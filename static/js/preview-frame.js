// In the frame beside a channel's form: wears whatever the page around it hands over (static/js/preview.js).

window.Pelanggan ??= [];

addEventListener("message", ({ origin, source, data }) => {
  if (origin !== location.origin || source !== parent || !data?.preview) return;
  window.Pelanggan.push(["preview", data.preview]);
});
parent.postMessage({ ready: true }, location.origin);
