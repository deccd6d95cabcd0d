// What the kernels of filter gradients in strips share: parameters, bindings, and where the sums of a part go.
//!include strip.wgsl
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;

struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32, // in Values
  padTop: u32,
  padLeft: u32,
  rows: u32,     // rows of outputs in a chunk of a strip
  strips: u32,   // across an output row
  chunks: u32,   // down an output column
  pieces: u32,   // batch · chunks · strips
  share: u32,    // pieces of a part
  parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> out: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl

fn store_row(part: u32, r: u32, channel: u32, row: FilterRow) {
  let i = ((part * FILTER + r) * FILTER) * params.channels + channel;
  out[i] = row.a;
  out[i + params.channels] = row.b;
  out[i + 2u * params.channels] = row.c;
  if (FILTER == 5u) {
    out[i + 3u * params.channels] = row.d;
    out[i + 4u * params.channels] = row.e;
  }
}
