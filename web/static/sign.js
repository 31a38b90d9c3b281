// A signature drawn with a finger, sent as a picture with its form. Without JavaScript the frame is not shown.
for (const frame of document.querySelectorAll(".sign")) {
  const canvas = frame.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const sent = frame.closest("form").elements.drawn;
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = "#000";
    pen.lineWidth = 5;
    pen.lineCap = pen.lineJoin = "round";
    sent.value = "";
  };
  const at = (event) => [
    (event.offsetX * canvas.width) / canvas.clientWidth,
    (event.offsetY * canvas.height) / canvas.clientHeight,
  ];
  clear();
  frame.hidden = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
    sent.value = "drawn";
  });
  frame.querySelector("button").addEventListener("click", clear);
  frame.closest("form").addEventListener("submit", () => {
    if (sent.value) sent.value = canvas.toDataURL("image/png");
  });
}
