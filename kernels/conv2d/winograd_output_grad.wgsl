// dM = A dy Aᵀ      dy: the cotangents of a tile's 2x2 outputs, zeros outside of the image
//
// The adjoint of winograd_output.wgsl. A thread owns four channels of a tile.
alias Value = vec4<f32>;
alias Dy = Value; // how it is stored: Values, or as f16

//!include winograd_geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read_write> out: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include winograd_store.wgsl

fn pixel(own: Tile, ho: u32, wo: u32, c: u32) -> Value {
  let inside = (ho < params.outH) & (wo < params.outW);
  let at = select(0u, (own.n * params.outH + ho) * params.outW + wo, inside) * params.channels + c;
  return select(Value(), Value(dy[at]), inside);
}

// Two cotangents of a line, transformed along the line.
fn line(own: Tile, ho: u32, c: u32) -> mat4x4<f32> {
  let a = pixel(own, ho, own.wo, c);
  let b = pixel(own, ho, own.wo + 1u, c);
  return mat4x4<f32>(a, a + b, a - b, -b);
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
  let to = local * params.tile + c;
  let a = line(own, own.ho, c);
  put_line(to, 0u, a);
  let b = line(own, own.ho + 1u, c);
  put_line(to, 1u, a + b);
  put_line(to, 2u, a - b);
  put_line(to, 3u, -1.0 * b);
}
