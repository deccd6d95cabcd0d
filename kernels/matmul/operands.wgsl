// What the kernels of a product left · right = out are given.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias Left = Value; // how each is stored: Values, or as f16
alias Right = Value;
alias Out = Value;

struct Params {
  rows: u32,
  cols: u32,
  depth: u32,
  part_depth: u32, // depths of one part, a multiple of 4
  // Lengths of a row as it lies in memory, in vec4s.
  left_ld: u32,
  right_ld: u32,
  out_ld: u32,
  row_by_row: u32, // workgroups that run after one another have the same rows, or else the same columns
}

@group(0) @binding(0) var<storage, read> left: array<Left>;
@group(0) @binding(1) var<storage, read> right: array<Right>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;
