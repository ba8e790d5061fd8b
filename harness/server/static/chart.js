// Charts on a canvas: lines, candles and fill markers over a time axis without the hours in which nothing trades.
// Drawn once a frame at most. Markers are drawn all, every one that is in view, in one path a side.

const font = "12px system-ui, sans-serif";

/** Index of the first element of the sorted `list` that is not below `value`. */
export function lowerBound(list, value) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

/** Time axis that leaves out gaps longer than `leastGap` seconds between the given times (sorted). */
export class TradingTime {
  constructor(times, leastGap = 7200) {
    this.ends = []; this.starts = []; this.cuts = [0];
    for (let i = 1; i < times.length; i++) {
      const gap = times[i] - times[i - 1];
      if (gap > leastGap) {
        this.ends.push(times[i - 1] + 300); this.starts.push(times[i]);
        this.cuts.push(this.cuts.at(-1) + gap - 300);
      }
    }
  }
  /** Position of a time; times inside a gap lie at its end. */
  at(time) {
    const gap = lowerBound(this.ends, time);
    if (gap > 0 && time < this.starts[gap - 1]) return this.starts[gap - 1] - this.cuts[gap];
    return time - this.cuts[gap];
  }
  /** Time of a position. */
  time(position) {
    let gap = 0;
    while (gap < this.starts.length && position >= this.starts[gap] - this.cuts[gap + 1]) gap++;
    return position + this.cuts[gap];
  }
}

const zone = new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York", year: "numeric", month: "2-digit",
  day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
/** Exchange time as text; `parts` of it: "date", "time" or all. */
export function timeText(seconds, what = "all") {
  const [date, time] = zone.format(new Date(seconds * 1000)).split(", ");
  return what === "date" ? date.slice(5) : what === "time" ? time.slice(0, 5) : `${date} ${time}`;
}

export class Chart {
  /** `options`: label (for screen readers), format(value), onView(from, to), readout(time) -> text. */
  constructor(box, options) {
    this.options = options;
    this.layers = [];
    this.linked = [];
    this.axis = new TradingTime([]);
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${options.label}. Arrow keys move, plus and minus zoom, 0 shows all.`);
    this.output = document.createElement("p");
    this.output.className = "readout";
    this.output.setAttribute("aria-live", "polite");
    box.append(this.canvas, this.output);
    this.pointers = new Map();
    this.cursor = null;
    this.listen();
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.canvas);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", () => this.draw());
  }

  /** Times that make the axis; the whole of it comes into view. */
  setTimes(times, axis = null) {
    this.axis = axis ?? new TradingTime(times);
    this.full = times.length ? [this.axis.at(times[0]), this.axis.at(times[times.length - 1])] : [0, 1];
    if (this.full[1] <= this.full[0]) this.full[1] = this.full[0] + 1;
    this.view = [...this.full];
  }

  setLayers(layers) {
    for (const layer of layers) layer.x = Float64Array.from(layer.time, (time) => this.axis.at(time));
    this.layers = layers;
    this.draw();
  }

  setView(from, to, told = false) {
    const span = Math.max(Math.min(to - from, this.full[1] - this.full[0]), 10);
    from = Math.min(Math.max(from, this.full[0]), this.full[1] - span);
    this.view = [from, from + span];
    this.draw();
    if (!told) for (const other of this.linked) other.setView(this.view[0], this.view[1], true);
    this.options.onView?.(this.axis.time(this.view[0]), this.axis.time(this.view[1]));
  }

  listen() {
    const canvas = this.canvas;
    const shareAt = (event) => (event.offsetX - 4) / Math.max(1, this.plotWidth());
    canvas.addEventListener("wheel", (event) => {
      if (!this.full) return;
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / this.plotWidth());
      else this.zoom(Math.exp(event.deltaY * 0.0015), shareAt(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event.offsetX);
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (before === undefined) { this.point(event.offsetX); return; }
      if (this.pointers.size === 2) {
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
        const ratio = Math.abs(before - other) / Math.max(10, Math.abs(event.offsetX - other));
        this.zoom(ratio, (other - 4) / this.plotWidth());
      } else this.pan((before - event.offsetX) / this.plotWidth());
      this.pointers.set(event.pointerId, event.offsetX);
    });
    for (const kind of ["pointerup", "pointercancel"])
      canvas.addEventListener(kind, (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => { this.cursor = null; this.draw(); });
    canvas.addEventListener("dblclick", () => this.setView(...this.full));
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: () => this.pan(-0.1), ArrowRight: () => this.pan(0.1),
        ArrowUp: () => this.zoom(0.8, 0.5), ArrowDown: () => this.zoom(1.25, 0.5),
        "+": () => this.zoom(0.8, 0.5), "-": () => this.zoom(1.25, 0.5), 0: () => this.setView(...this.full),
        Home: () => this.setView(this.full[0], this.full[0] + this.view[1] - this.view[0]),
        End: () => this.setView(this.full[1] - this.view[1] + this.view[0], this.full[1]) };
      const move = moves[event.key];
      if (!move || !this.full) return;
      event.preventDefault();
      move();
      this.point(this.plotWidth() / 2);
    });
  }

  plotWidth() { return this.canvas.clientWidth - 76; }
  pan(share) {
    const shift = share * (this.view[1] - this.view[0]);
    this.setView(this.view[0] + shift, this.view[1] + shift);
  }
  zoom(ratio, share) {
    const span = this.view[1] - this.view[0], fixed = this.view[0] + share * span;
    this.setView(fixed - share * span * ratio, fixed + (1 - share) * span * ratio);
  }
  point(x) {
    if (!this.view) return;
    this.cursor = x;
    const position = this.view[0] + ((x - 4) / this.plotWidth()) * (this.view[1] - this.view[0]);
    this.output.textContent = this.options.readout?.(this.axis.time(position)) ?? "";
    this.draw();
  }

  draw() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => { this.planned = 0; this.paint(); });
  }

  /** Range of indices of a layer that are in view, with one beyond at each side. */
  range(layer) {
    return [Math.max(0, lowerBound(layer.x, this.view[0]) - 1),
      Math.min(layer.x.length, lowerBound(layer.x, this.view[1]) + 1)];
  }

  paint() {
    const started = performance.now();
    const { canvas } = this, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !this.view) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const box = { left: 4, right: width - 72, top: 6, bottom: height - 20 };
    const [low, high] = this.extent();
    const toX = (box.right - box.left) / (this.view[1] - this.view[0]);
    const toY = (box.bottom - box.top) / (high - low);
    const xs = (x) => box.left + (x - this.view[0]) * toX;
    const ys = (y) => box.bottom - (y - low) * toY;
    this.grid(pen, box, low, high, xs, ys, color);
    pen.save();
    pen.beginPath(); pen.rect(box.left, 0, box.right - box.left, height - 18); pen.clip();
    for (const layer of this.layers) {
      const [first, last] = this.range(layer);
      if (layer.kind === "line") this.line(pen, layer, first, last, xs, ys, box, color);
      else if (layer.kind === "candles") this.candles(pen, layer, first, last, xs, ys, toX, color);
      else this.markers(pen, layer, first, last, xs, ys, color);
    }
    if (this.cursor !== null) {
      pen.strokeStyle = color("dim"); pen.setLineDash([3, 3]); pen.beginPath();
      pen.moveTo(this.cursor, box.top); pen.lineTo(this.cursor, box.bottom); pen.stroke(); pen.setLineDash([]);
    }
    pen.restore();
    this.paintMs = performance.now() - started;
  }

  extent() {
    let low = Infinity, high = -Infinity;
    for (const layer of this.layers) {
      const [first, last] = this.range(layer), lows = layer.low ?? layer.y, highs = layer.high ?? layer.y;
      for (let i = first; i < last; i++) {
        if (lows[i] < low) low = lows[i];
        if (highs[i] > high) high = highs[i];
      }
    }
    if (!(high >= low)) return [0, 1];
    const margin = (high - low) * 0.05 || Math.abs(high) * 0.01 || 1;
    return [low - margin, high + margin];
  }

  grid(pen, box, low, high, xs, ys, color) {
    pen.font = font; pen.fillStyle = color("dim"); pen.strokeStyle = color("line"); pen.lineWidth = 1;
    const rough = (high - low) / Math.max(2, (box.bottom - box.top) / 50), power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    pen.textAlign = "left"; pen.textBaseline = "middle"; pen.beginPath();
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      const y = Math.round(ys(value)) + 0.5;
      pen.moveTo(box.left, y); pen.lineTo(box.right, y);
      pen.fillText(this.options.format(value), box.right + 5, y);
    }
    pen.stroke();
    pen.textAlign = "center"; pen.textBaseline = "top";
    const count = Math.max(1, Math.floor((box.right - box.left) / 110));
    let before = "";
    for (let i = 0; i < count; i++) {
      const position = this.view[0] + ((i + 0.5) / count) * (this.view[1] - this.view[0]);
      const time = this.axis.time(position), date = timeText(time, "date");
      const shown = `${date === before ? "" : `${date} `}${timeText(time, "time")}`;
      before = date;
      pen.fillText(shown, xs(position), box.bottom + 4);
    }
  }

  line(pen, layer, first, last, xs, ys, box, color) {
    pen.strokeStyle = color(layer.color); pen.lineWidth = 1.5; pen.beginPath();
    for (let i = first; i < last; i++) {
      if (i === first) pen.moveTo(xs(layer.x[i]), ys(layer.y[i])); else pen.lineTo(xs(layer.x[i]), ys(layer.y[i]));
    }
    pen.stroke();
    if (layer.fill && last > first) {
      pen.lineTo(xs(layer.x[last - 1]), ys(0)); pen.lineTo(xs(layer.x[first]), ys(0));
      pen.globalAlpha = 0.2; pen.fillStyle = color(layer.color); pen.fill(); pen.globalAlpha = 1;
    }
  }

  candles(pen, layer, first, last, xs, ys, toX, color) {
    const between = last - first > 1 ? (layer.x[last - 1] - layer.x[first]) / (last - first - 1) : 60;
    const body = Math.max(1, Math.min(14, between * toX * 0.7));
    for (const [name, rising] of [["up", true], ["down", false]]) {
      pen.fillStyle = color(name); pen.beginPath();
      for (let i = first; i < last; i++) {
        if (layer.close[i] >= layer.open[i] !== rising) continue;
        const x = xs(layer.x[i]), top = ys(Math.max(layer.open[i], layer.close[i]));
        pen.rect(x - 0.5, ys(layer.high[i]), 1, Math.max(1, ys(layer.low[i]) - ys(layer.high[i])));
        if (body > 1.5) pen.rect(x - body / 2, top, body, Math.max(1, Math.abs(ys(layer.open[i]) - ys(layer.close[i]))));
      }
      pen.fill();
    }
  }

  markers(pen, layer, first, last, xs, ys, color) {
    // Fewer details when there are very many: triangles of 9 px become 4 px squares, never fewer markers.
    const small = last - first > 4000;
    for (const [name, sign] of [["buy", 1], ["sell", -1]]) {
      pen.fillStyle = color(name); pen.beginPath();
      for (let i = first; i < last; i++) {
        if (layer.side[i] !== sign) continue;
        const x = xs(layer.x[i]), y = ys(layer.y[i]);
        if (small) pen.rect(x - 2, y - 2, 4, 4);
        else { pen.moveTo(x, y); pen.lineTo(x - 5, y + 9 * sign); pen.lineTo(x + 5, y + 9 * sign); pen.closePath(); }
      }
      pen.fill();
      if (!small) { pen.strokeStyle = color("back"); pen.lineWidth = 1; pen.stroke(); }
    }
  }
}

/** Pans through the chart for `frames` frames; times between frames and of painting, in ms. For tests. */
export async function measurePan(chart, frames = 60) {
  const gaps = [], paints = [];
  let before = await new Promise(requestAnimationFrame);
  for (let i = 0; i < frames; i++) {
    chart.pan(i % 2 ? 0.01 : -0.01);
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - before); paints.push(chart.paintMs); before = now;
  }
  return { gaps, paints };
}
