// The page try/: a picture through an exported generator, by onnxruntime-web on the CPU.

const LONGEST = 512; // pixels of the longer side: the memory of a phone
// The runtime is loaded from the folder ort/ of this site if it is there, otherwise from the CDN; either has to be this.
const CDN = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/";
const RUNTIME = {
  "ort.wasm.bundle.min.mjs": "sha384-PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG",
  "ort-wasm-simd-threaded.wasm": "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
};
const element = (id) => document.getElementById(id);

async function fetched(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.arrayBuffer();
}

async function part(name) {
  const options = { integrity: RUNTIME[name] };
  try {
    return await fetched(`ort/${name}`, options);
  } catch {
    return fetched(CDN + name, options);
  }
}

async function loaded() {
  const [code, binary, model] = await Promise.all([...Object.keys(RUNTIME).map(part), fetched("ctss.onnx")]);
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const ort = await import(address);
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.numThreads = 1; // more need headers that a static site can't set
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  return async (values, height, width) => {
    const photo = new ort.Tensor("float32", values, [1, 3, height, width]);
    return (await session.run({ photo })).cartoon.data;
  };
}

let generator; // a promise, made with the first picture

/** (H, W, 4) bytes -> (3, H, W) in [-1, 1]; transparent pixels lie on white. */
function toFloats({ data, width, height }) {
  const pixels = width * height, values = new Float32Array(3 * pixels);
  for (let i = 0; i < 3 * pixels; i++) values[i] = data[4 * (i % pixels) + Math.floor(i / pixels)] / 127.5 - 1;
  return values;
}

function toPixels(values, width, height) {
  const pixels = width * height, picture = new ImageData(width, height);
  picture.data.fill(255);
  for (let i = 0; i < 3 * pixels; i++)
    picture.data[4 * (i % pixels) + Math.floor(i / pixels)] = Math.round((values[i] + 1) * 127.5);
  return picture;
}

async function decoded(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read; choose a JPEG, PNG or WebP file.`);
  }
}

async function cartoonize(file) {
  const bitmap = await decoded(file);
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(8, Math.round(side * scale)));
  for (const id of ["before", "after"]) Object.assign(element(id), { width, height });
  const context = element("before").getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  element("pictures").hidden = false;
  tell("Loading the generator …");
  generator ??= loaded();
  let run;
  try {
    run = await generator;
  } catch (error) {
    generator = undefined; // the next picture tries again
    throw new Error(`The runtime or the generator could not be loaded (${error.message}).`);
  }
  tell("Drawing …");
  await new Promise((resume) => setTimeout(resume, 30)); // lets the browser show it
  const start = performance.now();
  const values = await run(toFloats(context.getImageData(0, 0, width, height)), height, width);
  element("after").getContext("2d").putImageData(toPixels(values, width, height), 0, 0);
  element("save").href = element("after").toDataURL();
  element("save").hidden = false;
  tell(`${width} × ${height} pixels in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
}

function tell(text, wrong = false) {
  element("status").textContent = text;
  element("status").classList.toggle("wrong", wrong);
}

element("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  event.target.disabled = true;
  element("save").hidden = true;
  element("pictures").hidden = true;
  try {
    await cartoonize(file);
  } catch (error) {
    element("pictures").hidden = true;
    tell(error.message, true);
  } finally {
    event.target.disabled = false;
  }
});
