// out[m, n] as of matmul_small.wgsl, and too[m, n] = f(out[m, n])
//
// f is what a pass of its own would apply, such as an activation where the gradient needs what lies before it. THEN is
// its number in POINTWISE of pointwise.ts, OPERAND its second operand.
alias Value = f32;
alias Bits = u32; // as include/numbers.wgsl wants it

override THEN: u32 = 0;
override OPERAND: f32 = 0.0;

@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(8) var<storage, read_write> too: array<f32>;

//!include small.wgsl

fn put(m: u32, n: u32, v: f32, own: Operands) {
  if (m < params.M) {
    let i = m * params.N + n;
    let y = epilogue(v, i, own);
    out[i] = y;
    too[i] = common_function(THEN, y, OPERAND);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_product(flat_workgroup(group, groups), lane);
}
