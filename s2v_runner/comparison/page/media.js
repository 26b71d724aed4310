// Videos and sounds: base64 in the page → blobs → elements. A frame without an origin may open nothing else.

const PIECE = 1 << 20; // characters decoded at once; a multiple of four, so that each piece stands by itself

/** The address of what an element holds as base64. The text is let go: it is not needed twice. */
function openBlob(id, type) {
  const holder = find(id);
  const text = holder.textContent.trim();
  holder.remove();
  const pieces = [];
  for (let start = 0; start < text.length; start += PIECE) {
    pieces.push(decode(text.slice(start, start + PIECE)));
  }
  return URL.createObjectURL(new Blob(pieces, { type }));
}

function decode(text) {
  if (Uint8Array.fromBase64) {
    return Uint8Array.fromBase64(text);
  }
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  // A plain loop: for tens of megabytes, anything prettier takes seconds.
  for (let index = 0; index < letters.length; index += 1) {
    bytes[index] = letters.charCodeAt(index);
  }
  return bytes;
}

/** A <video> for each mosaic, with the promise that its first picture is there. */
function openMosaics() {
  return data.mosaics.map((mosaic) => {
    const video = make("video", { muted: true, playsinline: true, preload: "auto", tabindex: -1 });
    // The attribute says how it is by default, the property how it is.
    video.muted = true;
    const ready = new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      video.addEventListener("error", () => reject(video.error), { once: true });
    });
    // In the document and not hidden: browsers spare themselves the pictures of others.
    find("sources").append(video);
    video.src = openBlob(mosaic.id, "video/mp4");
    return { ...mosaic, video, ready };
  });
}

/** An <audio> for a recording, made when it is first to be heard. */
function openSound(sound) {
  const audio = make("audio", { preload: "auto" });
  audio.src = openBlob(sound.id, "audio/mp4");
  find("sources").append(audio);
  return audio;
}
