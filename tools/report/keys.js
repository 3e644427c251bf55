// Arrow keys turn the cloud that has the focus, + and - zoom.
const KEYS = {ArrowLeft: [-.15, 0, 1], ArrowRight: [.15, 0, 1], ArrowUp: [0, .15, 1], ArrowDown: [0, -.15, 1],
              "+": [0, 0, 1 / 1.15], "=": [0, 0, 1 / 1.15], "-": [0, 0, 1.15]};
document.addEventListener("keydown", event => {
  const plot = event.target, step = KEYS[event.key];
  if (!step || !plot.classList.contains("cloud") || !plot.data) return;
  event.preventDefault();
  const camera = structuredClone(plot.layout.scene.camera), {x, y, z} = camera.eye;
  const radius = Math.hypot(x, y, z), azimuth = Math.atan2(y, x) + step[0];
  const height = Math.max(-1.5, Math.min(1.5, Math.asin(z / Math.hypot(x, y, z)) + step[1]));
  camera.eye = {x: radius * Math.cos(height) * Math.cos(azimuth), y: radius * Math.cos(height) * Math.sin(azimuth),
                z: radius * Math.sin(height)};
  if (step[2] !== 1) {
    // What an orthographic camera sees is zoomed by the size of the scene.
    const size = plot.layout.scene.aspectratio.x / step[2];
    Plotly.relayout(plot, {"scene.aspectratio": {x: size, y: size, z: size}});
    return;
  }
  Plotly.relayout(plot, {"scene.camera": camera});
});
