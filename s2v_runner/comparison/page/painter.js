// Pictures onto canvases.

const COPY_FROM = 12; // tiles in view, from which on it is quicker to copy a whole mosaic once and draw them from that

function createPainter(mosaics) {
  const copies = mosaics.map(({ width, height }) => {
    const canvas = make("canvas", { width, height });
    return { canvas, context: canvas.getContext("2d", { alpha: false }) };
  });
  const sources = mosaics.map(({ video }) => video);
  const pictures = new Map(); // canvas → what is to be drawn there

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const picture = pictures.get(target);
        if (picture) {
          picture.visible = isIntersecting;
          draw(target, picture);
        }
      }
    },
    { rootMargin: "80px" },
  );
  const sized = new ResizeObserver((entries) =>
    requestAnimationFrame(() => {
      for (const { target, contentRect } of entries) {
        const picture = pictures.get(target);
        if (picture) {
          fit(target, picture, contentRect.width);
        }
      }
    }),
  );

  /** Never more pixels than the tile has, nor more than the screen shows. */
  function fit(canvas, picture, shown) {
    const { width, height } = picture.tile;
    const scale = picture.natural ? 1 : Math.min(1, (shown * window.devicePixelRatio) / width);
    const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      draw(canvas, picture);
    }
  }

  function draw(canvas, picture) {
    if (picture.visible && canvas.width > 0) {
      picture.paint(picture.context, canvas.width, canvas.height);
    }
  }

  /** Draw a point's tile over a whole canvas. */
  function drawTile(context, tile, width, height) {
    context.imageSmoothingQuality = "high";
    const { mosaic, x, y } = tile;
    context.drawImage(sources[mosaic], x, y, tile.width, tile.height, 0, 0, width, height);
  }

  /** Draw on a canvas with every frame while it is in view: `paint(context, width, height)`. */
  function add(canvas, tiles, paint, natural) {
    const context = canvas.getContext("2d", { alpha: false });
    const picture = {
      tile: tiles[0],
      mosaics: tiles.map((tile) => tile.mosaic),
      paint,
      natural,
      context,
      visible: false,
    };
    pictures.set(canvas, picture);
    canvas.width = 0;
    canvas.style.aspectRatio = `${tiles[0].width} / ${tiles[0].height}`;
    fit(canvas, picture, canvas.clientWidth);
    seen.observe(canvas);
    sized.observe(canvas);
  }

  return {
    drawTile,
    /** Show a point on a canvas. */
    show(canvas, point) {
      add(canvas, [point.tile], (context, width, height) => drawTile(context, point.tile, width, height), false);
    },
    /** Show what `paint` makes of some tiles, in as many pixels as the first of them has. */
    compose(canvas, tiles, paint) {
      this.forget(canvas);
      add(canvas, tiles, paint, true);
    },
    /** Draw a canvas again, since how it is to be painted has changed. */
    redraw(canvas) {
      draw(canvas, pictures.get(canvas));
    },
    forget(canvas) {
      pictures.delete(canvas);
      seen.unobserve(canvas);
      sized.unobserve(canvas);
    },
    forgetAll(root) {
      root.querySelectorAll("canvas").forEach((canvas) => this.forget(canvas));
    },
    /** Take the picture that a mosaic shows now to all the canvases in view. */
    take(index) {
      const shown = [...pictures].filter(([, picture]) => picture.visible && picture.mosaics.includes(index));
      const { video } = mosaics[index];
      sources[index] = video;
      if (shown.length >= COPY_FROM) {
        const { canvas, context } = copies[index];
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        sources[index] = canvas;
      }
      shown.forEach(([target, picture]) => draw(target, picture));
    },
  };
}
