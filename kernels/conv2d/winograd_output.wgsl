// y = Aᵀ M A      M: the 16 numbers of a tile, each a sum over channels of products U · V; y: its 2x2 outputs
//
// Aᵀ =  1  1  1  0      see winograd_input.wgsl
//       0  1 −1 −1
//
// A thread owns four channels of a tile. M is [16, tiles, K], y [N, Ho, Wo, K]. Of a tile that hangs over the image's
// edge only what lies inside is written.
alias Value = vec4<f32>;
alias Y = Value; // how it is stored: Values, or as f16

//!include winograd_geometry.wgsl

@group(0) @binding(0) var<storage, read> m: array<Value>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl

fn line(at: u32) -> mat4x4<f32> {
  return mat4x4<f32>(m[at], m[at + params.place], m[at + 2u * params.place], m[at + 3u * params.place]);
}

fn put(ho: u32, wo: u32, own: Tile, c: u32, v: Value, operands: Operands) {
  if ((ho < params.outH) & (wo < params.outW)) {
    let i = ((own.n * params.outH + ho) * params.outW + wo) * params.channels + c;
    y[i] = Y(storable(epilogue(v, i, operands)));
  }
}

fn put_pair(ho: u32, own: Tile, c: u32, v: mat4x4<f32>, operands: Operands) {
  put(ho, own.wo, own, c, v[0] + v[1] + v[2], operands);
  put(ho, own.wo + 1u, own, c, v[1] - v[2] - v[3], operands);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.count * params.channels) {
    return;
  }
  let local = t / params.channels;
  let c = t - local * params.channels;
  let own = tile_of(local);
  let at = local * params.tile + c;
  let m0 = line(at);
  let m1 = line(at + 4u * params.place);
  let m2 = line(at + 8u * params.place);
  let m3 = line(at + 12u * params.place);
  let operands = channel_operands(c, params.channels);
  put_pair(own.ho, own, c, m0 + m1 + m2, operands);
  put_pair(own.ho + 1u, own, c, m1 - m2 - m3, operands);
}
