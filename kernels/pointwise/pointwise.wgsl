// out[i] = opK( ... op1(op0(x[i], a[..]), b[..]) ..., d[..]): a chain of up to four pointwise stages in one pass.
//
// Each stage is an override (OP0..OP3), so its `switch` is decided when the pipeline is made and costs nothing at run
// time: the compiler fuses chains it finds in the graph by naming their stages, and no shader text is ever assembled.
// A stage's second operand is the tensor of its own binding, read where MODE says (see operand_index), or the
// immediate number s0..s3. A Value is four neighbouring channels, or one where 4 does not divide them. A workgroup owns
// `chunk` runs of 64 Values one after the other, of which a thread takes every 64th: then it divides by the number of
// channels once and counts from there, for on a CPU a division costs more than the rest of a stage.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how each binding is stored: Values, or as f16
alias A = Value;
alias B = Value;
alias C = Value;
alias D = Value;
alias Out = Value;

override OP0: u32 = 0;
override OP1: u32 = 0;
override OP2: u32 = 0;
override OP3: u32 = 0;
override MODE0: u32 = 0;
override MODE1: u32 = 0;
override MODE2: u32 = 0;
override MODE3: u32 = 0;

struct Params {
  size: u32,     // of out, in Values
  channels: u32, // of the last dimension, in Values
  sample: u32,   // of one sample (all dimensions but the first), in Values
  chunk: u32,
  // What 64 Values further means: 64 % channels, 64 / sample, 64 % sample.
  channels_on: u32,
  samples_on: u32,
  rest_on: u32,
  s0: f32,
  s1: f32,
  s2: f32,
  s3: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> a: array<A>;
@group(0) @binding(2) var<storage, read> b: array<B>;
@group(0) @binding(3) var<storage, read> c: array<C>;
@group(0) @binding(4) var<storage, read> d: array<D>;
@group(0) @binding(5) var<storage, read_write> out: array<Out>;
@group(0) @binding(6) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ops.wgsl

// Where a Value lies: by itself, in its row of channels, and in which sample.
struct Place {
  i: u32,
  channel: u32,
  sample: u32,
  rest: u32, // Values before it in the sample
}

// 1 full shape · 2 [C] · 3 [N, 1, .., C] · 4 [N, 1, .., 1] · 5 one number · 6 the second row of [2, C]
fn operand_index(at: Place, mode: u32) -> u32 {
  switch (mode) {
    case 1u: { return at.i; }
    case 2u: { return at.channel; }
    case 3u: { return at.sample * params.channels + at.channel; }
    case 4u: { return at.sample; }
    case 6u: { return params.channels + at.channel; }
    default: { return 0u; }
  }
}

fn next(at: Place) -> Place {
  let channel = at.channel + params.channels_on;
  let rest = at.rest + params.rest_on;
  let over = rest >= params.sample;
  return Place(
    at.i + 64u,
    select(channel, channel - params.channels, channel >= params.channels),
    at.sample + params.samples_on + select(0u, 1u, over),
    select(rest, rest - params.sample, over),
  );
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = flat_workgroup(group, groups) * 64u * params.chunk + lane;
  let end = min(first + 64u * params.chunk, params.size);
  var at = Place(first, first % params.channels, first / params.sample, first % params.sample);
  for (; at.i < end; at = next(at)) {
    var v = Value(x[at.i]);
    var s = Value(params.s0);
    if (MODE0 != 0u) { s = Value(a[operand_index(at, MODE0)]); }
    v = pointwise(OP0, v, s);
    if (OP1 != 0u) {
      s = Value(params.s1);
      if (MODE1 != 0u) { s = Value(b[operand_index(at, MODE1)]); }
      v = pointwise(OP1, v, s);
    }
    if (OP2 != 0u) {
      s = Value(params.s2);
      if (MODE2 != 0u) { s = Value(c[operand_index(at, MODE2)]); }
      v = pointwise(OP2, v, s);
    }
    if (OP3 != 0u) {
      s = Value(params.s3);
      if (MODE3 != 0u) { s = Value(d[operand_index(at, MODE3)]); }
      v = pointwise(OP3, v, s);
    }
    out[at.i] = Out(storable(v));
  }
}
