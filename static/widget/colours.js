// A shop's colour as ink: moved towards black or white until it can be read on the ground (WCAG 2.2, 1.4.3).

const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

const luminance = (colour) => {
  const [r, g, b] = parts(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const contrast = (one, other) => {
  const [darker, brighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (brighter + 0.05) / (darker + 0.05);
};

export const mix = (one, other, share) => {
  const [from, to] = [parts(one), parts(other)];
  return "#" + from.map((part, at) => Math.round(part + (to[at] - part) * share).toString(16).padStart(2, "0")).join("");
};

export const inkOn = (ground, colour) => {
  const towards = luminance(ground) > 0.2 ? "#000000" : "#ffffff";
  for (let share = 0; share < 1; share += 0.05) {
    const ink = mix(colour, towards, share);
    if (contrast(ink, ground) >= 4.6) return ink;
  }
  return towards;
};
