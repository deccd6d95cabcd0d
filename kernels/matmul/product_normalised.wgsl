// The body of matmul_v2_workgroup_normalised: see there.
override LEFT_TRANSPOSED: u32 = 0;
override RIGHT_TRANSPOSED: u32 = 0;
override GATED: u32 = 0;

alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias Left = Value; // how each is stored: Values, or as f16
alias Right = Value;
alias Out = Value;

struct Params {
  // As in operands.wgsl.
  rows: u32,
  cols: u32,
  depth: u32,
  part_depth: u32,
  left_ld: u32,
  right_ld: u32,
  out_ld: u32,
  row_by_row: u32,
  pixels: u32, // of a sample
}

@group(0) @binding(0) var<storage, read> left: array<Left>;
@group(0) @binding(1) var<storage, read> right: array<Right>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> of_channel: array<Value>; // [4, C]: see batch_norm_coefficients.wgsl
@group(0) @binding(5) var<storage, read> gate: array<Value>;       // [samples, C]

//!include ../include/half.wgsl
//!include ../batch_norm/activation.wgsl
//!include four.wgsl
//!include tile.wgsl
//!include product_tile.wgsl

struct Norm {
  mean: Value,
  scale: Value,
  shift: Value,
}

// Of four channels, counted in vec4s, as left_ld counts all.
fn norm_of(channel: u32) -> Norm {
  let all = params.left_ld;
  return Norm(
    of_channel[channel],
    of_channel[2u * all + channel] * of_channel[all + channel],
    of_channel[3u * all + channel],
  );
}

// What batch_norm_apply.wgsl would have written of x, the gate being at this index.
fn made(x: Value, norm: Norm, gate_at: u32) -> Value {
  let y = activate((x - norm.mean) * norm.scale + norm.shift);
  if (GATED == 1u) {
    return y * gate[gate_at];
  }
  return y;
}

// Four rows of four depths. In a product rows are pixels, each with a gate, and depths are channels; in its filter
// gradient, LEFT_TRANSPOSED, rows are channels and depths are pixels.
struct Normed {
  four: Four,
  norm: Norm,       // LEFT_TRANSPOSED: of the rows
  gates: vec4<u32>, // else: where the gates of each row's sample begin
  pixel: u32,       // LEFT_TRANSPOSED: which of its sample the first depth is,
  sample: u32,      // where its gate is,
  last: u32,        // and where that of the last depth is
}

fn left_from(row: u32, k: u32, end: u32) -> Normed {
  let ld = params.left_ld;
  var own = Normed();
  if (LEFT_TRANSPOSED == 1u) {
    let channel = min(row / 4u, ld - 1u);
    let sample = k / params.pixels;
    own.four = four_across(channel, ld, k, end);
    own.norm = norm_of(channel);
    own.pixel = k - sample * params.pixels;
    own.sample = sample * ld + channel;
    own.last = (end - 1u) / params.pixels * ld + channel;
    return own;
  }
  own.four = four_along(row, params.rows, ld, k, end);
  own.gates = min(row + NEXT, vec4<u32>(params.rows - 1u)) / params.pixels * ld;
  return own;
}

// A sample has at least as many pixels as are staged at a time: none is left out.
fn left_next(before: Normed) -> Normed {
  var own = before;
  if (LEFT_TRANSPOSED == 1u) {
    own.four = four_next(before.four, 4u * DEPTH * params.left_ld);
    own.pixel += 4u * DEPTH;
    if (own.pixel >= params.pixels) {
      own.pixel -= params.pixels;
      own.sample += params.left_ld;
    }
    return own;
  }
  own.four = four_next(before.four, DEPTH);
  return own;
}

fn left_block(own: Normed) -> mat4x4<f32> {
  if (LEFT_TRANSPOSED == 1u) {
    let at = at_across(own.four);
    let next = select(vec4<u32>(0u), vec4<u32>(params.left_ld), own.pixel + NEXT >= vec4<u32>(params.pixels));
    let gates = min(own.sample + next, vec4<u32>(own.last));
    return mat4x4<f32>(
      made(Value(left[at.x]), own.norm, gates.x),
      made(Value(left[at.y]), own.norm, gates.y),
      made(Value(left[at.z]), own.norm, gates.z),
      made(Value(left[at.w]), own.norm, gates.w),
    );
  }
  let at = at_along(own.four);
  let channel = min(own.four.at, own.four.last);
  let norm = norm_of(channel);
  let gates = own.gates + channel;
  return transpose(mat4x4<f32>(
    made(Value(left[at.x]), norm, gates.x),
    made(Value(left[at.y]), norm, gates.y),
    made(Value(left[at.z]), norm, gates.z),
    made(Value(left[at.w]), norm, gates.w),
  ));
}

fn ended(v: vec4<f32>, at: u32, col: u32) -> vec4<f32> {
  return v;
}
