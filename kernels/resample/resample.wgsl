// out[o, r, s, i] = Σ_a Σ_b down[r, a] · across[s, b] · x[o, a, b, i]
//
// `down` and `across` are sparse matrices: resizing, margins that mirror, and gathering are such sums of few terms
// along one axis or two neighbouring ones. A matrix is a table whose words r and r + 1 say where row r's entries begin
// and end; an entry is two words, the column and the bits of the weight. A Value is four neighbours along i, or one. A
// thread owns OWN of them, `step` apart, so that a CPU looks up the entries once for all.
alias Value = vec4<f32>;
alias X = Value; // how each binding is stored: Values, or as f16
alias Out = Value;

const OWN: u32 = 1; // Values of a thread

struct Params {
  size: u32, // threads
  inner: u32, // values of i, in Values
  step: u32, // inner / OWN
  rows: u32,
  columns: u32,
  xRows: u32,
  xColumns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> down: array<u32>;
@group(0) @binding(2) var<storage, read> across: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<Out>;
@group(0) @binding(4) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.size) {
    return;
  }
  let pixel = t / params.step;
  let i = t - pixel * params.step;
  let line = pixel / params.columns;
  let s = pixel - line * params.columns;
  let o = line / params.rows;
  let r = line - o * params.rows;
  let begin = across[s];
  let end = across[s + 1u];
  var sums: array<Value, OWN>;
  for (var a = down[r]; a < down[r + 1u]; a += 2u) {
    let first = (o * params.xRows + down[a]) * params.xColumns;
    for (var b = begin; b < end; b += 2u) {
      let weight = bitcast<f32>(down[a + 1u]) * bitcast<f32>(across[b + 1u]);
      let source = (first + across[b]) * params.inner + i;
      for (var k = 0u; k < OWN; k++) {
        sums[k] += weight * Value(x[source + k * params.step]);
      }
    }
  }
  for (var k = 0u; k < OWN; k++) {
    out[pixel * params.inner + i + k * params.step] = Out(storable(sums[k]));
  }
}
