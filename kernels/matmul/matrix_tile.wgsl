// A workgroup's tile of a product on tensor cores: TILE_M rows by TILE_N columns, whose sums run from `begin` to `end`.
//
// A step of TILE_K depths is staged in workgroup memory as f16, each operand as it lies in memory: lines of TILE_K
// depths where its vec4s run along the depth, lines of rows or columns where they do not. Meanwhile the next step waits
// in registers. A subgroup owns REG_M x REG_N matrices of MAT_M x MAT_N results in f32. Written out by hand, because
// Tint does not unroll loops and a matrix in an array must be indexed by constants to stay in registers.
//
// Followed: "Subgroup Matrix" in Dawn's docs/dawn/features, and Tint's tests in test/tint/extensions/subgroup_matrix
// for the form of the calls: subgroup_matrix_left<T, columns, rows>; offset and stride count elements; all arguments
// are the same for a whole subgroup; the first dimension of the workgroup is a multiple of the largest subgroup. Vulkan
// (VK_KHR_cooperative_matrix) wants offsets and strides to be multiples of 16 bytes.
//
// Whoever includes this provides left_at, right_at (four numbers, beyond the operands zero) and put, and says how vec4s
// run.
const MAT_M: u32 = 16;
const MAT_N: u32 = 16;
const MAT_K: u32 = 16;
const SUBGROUP_SIZE: u32 = 32;
const SUBGROUPS_M: u32 = 2;
const SUBGROUPS_N: u32 = 2;
const THREADS: u32 = 128; // SUBGROUPS_M · SUBGROUPS_N · SUBGROUP_SIZE
const REG_M: u32 = 2; // 1, 2 or 4
const REG_N: u32 = 2; // 1, 2 or 4
const TILE_K: u32 = 32; // a multiple of MAT_K
const STAGES: u32 = 1; // 2: one step is staged while another is read, and a barrier less

alias LeftMatrix = subgroup_matrix_left<f16, MAT_K, MAT_M>;
alias RightMatrix = subgroup_matrix_right<f16, MAT_N, MAT_K>;
alias ResultMatrix = subgroup_matrix_result<f32, MAT_N, MAT_M>;

const TILE_M = SUBGROUPS_M * REG_M * MAT_M;
const TILE_N = SUBGROUPS_N * REG_N * MAT_N;

// 16 bytes more a line: eight lines then begin in eight different quarters of the 32 banks.
const LEFT_LINE = select(TILE_M, TILE_K, LEFT_ALONG == 1u);
const LEFT_LD = LEFT_LINE + 8u;
const LEFT_SIZE = TILE_M * TILE_K / LEFT_LINE * LEFT_LD;
const RIGHT_LINE = select(TILE_N, TILE_K, RIGHT_ALONG == 1u);
const RIGHT_LD = RIGHT_LINE + 8u;
const RIGHT_SIZE = TILE_N * TILE_K / RIGHT_LINE * RIGHT_LD;
const OUT_LD = MAT_N + 4u;
const OUT_SIZE = MAT_M * OUT_LD;
// Vec4s that a thread stages; the last may be beyond the tile.
const LEFT_LOADS = (TILE_M * TILE_K / 4u + THREADS - 1u) / THREADS;
const RIGHT_LOADS = (TILE_N * TILE_K / 4u + THREADS - 1u) / THREADS;

var<workgroup> left_tile: array<f16, STAGES * LEFT_SIZE>;
var<workgroup> right_tile: array<f16, STAGES * RIGHT_SIZE>;
var<workgroup> out_tile: array<f32, SUBGROUPS_M * SUBGROUPS_N * OUT_SIZE>;

// What overflows becomes infinite, as where numbers are stored as f16: see half.wgsl.
fn to_half(v: vec4<f32>) -> vec4<f16> {
  return vec4<f16>(select(v, v * 3.0e38, abs(v) > vec4<f32>(65504.0)));
}

fn left_matrix(stage: u32, row: u32, k: u32) -> LeftMatrix {
  if (LEFT_ALONG == 1u) {
    return subgroupMatrixLoad<LeftMatrix, row_major>(&left_tile, stage * LEFT_SIZE + row * LEFT_LD + k, LEFT_LD);
  }
  return subgroupMatrixLoad<LeftMatrix, col_major>(&left_tile, stage * LEFT_SIZE + k * LEFT_LD + row, LEFT_LD);
}

fn right_matrix(stage: u32, col: u32, k: u32) -> RightMatrix {
  if (RIGHT_ALONG == 1u) {
    return subgroupMatrixLoad<RightMatrix, col_major>(&right_tile, stage * RIGHT_SIZE + col * RIGHT_LD + k, RIGHT_LD);
  }
  return subgroupMatrixLoad<RightMatrix, row_major>(&right_tile, stage * RIGHT_SIZE + k * RIGHT_LD + col, RIGHT_LD);
}

// Vec4 number `piece` of an operand's step: its place in the other dimension (x) and in depth (y), both relative to the
// tile.
fn piece_at(piece: u32, line: u32, along: u32) -> vec2<u32> {
  let across = piece / (line / 4u);
  let down = piece % (line / 4u) * 4u;
  return select(vec2<u32>(down, across), vec2<u32>(across, down), along == 1u);
}

// The numbers of matrix (i, j) of every subgroup, which workgroup memory holds.
fn put_matrices(i: u32, j: u32, origin: vec2<u32>, lane: u32) {
  for (var v = lane; v < SUBGROUPS_M * SUBGROUPS_N * MAT_M * MAT_N / 4u; v += THREADS) {
    let owner = v / (MAT_M * MAT_N / 4u);
    let row = v / (MAT_N / 4u) % MAT_M;
    let col = v % (MAT_N / 4u) * 4u;
    let at = owner * OUT_SIZE + row * OUT_LD + col;
    put(
      origin.x + (owner / SUBGROUPS_N * REG_M + i) * MAT_M + row,
      origin.y + (owner % SUBGROUPS_N * REG_N + j) * MAT_N + col,
      vec4<f32>(out_tile[at], out_tile[at + 1u], out_tile[at + 2u], out_tile[at + 3u]),
    );
  }
}

fn matrix_product(origin: vec2<u32>, begin: u32, end: u32, lane: u32, subgroup: u32) {
  let own_row = subgroup / SUBGROUPS_N * REG_M * MAT_M;
  let own_col = subgroup % SUBGROUPS_N * REG_N * MAT_N;
  var own: array<ResultMatrix, 16>; // four to a row of matrices
  var left_next: array<vec4<f16>, LEFT_LOADS>;
  var right_next: array<vec4<f16>, RIGHT_LOADS>;
  var stage = STAGES - 1u;

  // Before the first step nothing is multiplied; after the last, nothing is loaded.
  for (var k = begin; k < end + TILE_K; k += TILE_K) {
    if (k < end) {
      for (var i = 0u; i < LEFT_LOADS; i++) {
        let at = piece_at(lane + i * THREADS, LEFT_LINE, LEFT_ALONG);
        left_next[i] = left_at(origin.x + at.x, k + at.y, end);
      }
      for (var i = 0u; i < RIGHT_LOADS; i++) {
        let at = piece_at(lane + i * THREADS, RIGHT_LINE, RIGHT_ALONG);
        right_next[i] = right_at(origin.y + at.x, k + at.y, end);
      }
    }
    if (k > begin) {
      for (var step = 0u; step < TILE_K; step += MAT_K) {
        var a1: LeftMatrix;
        var a2: LeftMatrix;
        var a3: LeftMatrix;
        let a0 = left_matrix(stage, own_row, step);
        if (REG_M > 1u) { a1 = left_matrix(stage, own_row + MAT_M, step); }
        if (REG_M > 2u) {
          a2 = left_matrix(stage, own_row + 2u * MAT_M, step);
          a3 = left_matrix(stage, own_row + 3u * MAT_M, step);
        }
        let b0 = right_matrix(stage, own_col, step);
        own[0] = subgroupMatrixMultiplyAccumulate(a0, b0, own[0]);
        if (REG_M > 1u) { own[4] = subgroupMatrixMultiplyAccumulate(a1, b0, own[4]); }
        if (REG_M > 2u) {
          own[8] = subgroupMatrixMultiplyAccumulate(a2, b0, own[8]);
          own[12] = subgroupMatrixMultiplyAccumulate(a3, b0, own[12]);
        }
        if (REG_N > 1u) {
          let b1 = right_matrix(stage, own_col + MAT_N, step);
          own[1] = subgroupMatrixMultiplyAccumulate(a0, b1, own[1]);
          if (REG_M > 1u) { own[5] = subgroupMatrixMultiplyAccumulate(a1, b1, own[5]); }
          if (REG_M > 2u) {
            own[9] = subgroupMatrixMultiplyAccumulate(a2, b1, own[9]);
            own[13] = subgroupMatrixMultiplyAccumulate(a3, b1, own[13]);
          }
        }
        if (REG_N > 2u) {
          let b2 = right_matrix(stage, own_col + 2u * MAT_N, step);
          own[2] = subgroupMatrixMultiplyAccumulate(a0, b2, own[2]);
          if (REG_M > 1u) { own[6] = subgroupMatrixMultiplyAccumulate(a1, b2, own[6]); }
          if (REG_M > 2u) {
            own[10] = subgroupMatrixMultiplyAccumulate(a2, b2, own[10]);
            own[14] = subgroupMatrixMultiplyAccumulate(a3, b2, own[14]);
          }
          let b3 = right_matrix(stage, own_col + 3u * MAT_N, step);
          own[3] = subgroupMatrixMultiplyAccumulate(a0, b3, own[3]);
          if (REG_M > 1u) { own[7] = subgroupMatrixMultiplyAccumulate(a1, b3, own[7]); }
          if (REG_M > 2u) {
            own[11] = subgroupMatrixMultiplyAccumulate(a2, b3, own[11]);
            own[15] = subgroupMatrixMultiplyAccumulate(a3, b3, own[15]);
          }
        }
      }
    }
    if (k >= end) {
      break;
    }
    // With one stage nobody may be reading it any more.
    if (STAGES == 1u) { workgroupBarrier(); }
    stage = STAGES - 1u - stage;
    for (var i = 0u; i < LEFT_LOADS; i++) {
      let piece = lane + i * THREADS;
      if (piece < TILE_M * TILE_K / 4u) {
        let to = stage * LEFT_SIZE + piece / (LEFT_LINE / 4u) * LEFT_LD + piece % (LEFT_LINE / 4u) * 4u;
        left_tile[to] = left_next[i].x;
        left_tile[to + 1u] = left_next[i].y;
        left_tile[to + 2u] = left_next[i].z;
        left_tile[to + 3u] = left_next[i].w;
      }
    }
    for (var i = 0u; i < RIGHT_LOADS; i++) {
      let piece = lane + i * THREADS;
      if (piece < TILE_N * TILE_K / 4u) {
        let to = stage * RIGHT_SIZE + piece / (RIGHT_LINE / 4u) * RIGHT_LD + piece % (RIGHT_LINE / 4u) * 4u;
        right_tile[to] = right_next[i].x;
        right_tile[to + 1u] = right_next[i].y;
        right_tile[to + 2u] = right_next[i].z;
        right_tile[to + 3u] = right_next[i].w;
      }
    }
    workgroupBarrier();
  }

  // One matrix of each subgroup after the other, by way of workgroup memory, where threads find the elements that they
  // write.
  let to = subgroup * OUT_SIZE;
  for (var t = 0u; t < 4u * REG_M; t++) {
    if (t % 4u >= REG_N) {
      continue;
    }
    switch (t) {
      case 0u: { subgroupMatrixStore<row_major>(&out_tile, to, own[0], OUT_LD); }
      case 1u: { subgroupMatrixStore<row_major>(&out_tile, to, own[1], OUT_LD); }
      case 2u: { subgroupMatrixStore<row_major>(&out_tile, to, own[2], OUT_LD); }
      case 3u: { subgroupMatrixStore<row_major>(&out_tile, to, own[3], OUT_LD); }
      case 4u: { subgroupMatrixStore<row_major>(&out_tile, to, own[4], OUT_LD); }
      case 5u: { subgroupMatrixStore<row_major>(&out_tile, to, own[5], OUT_LD); }
      case 6u: { subgroupMatrixStore<row_major>(&out_tile, to, own[6], OUT_LD); }
      case 7u: { subgroupMatrixStore<row_major>(&out_tile, to, own[7], OUT_LD); }
      case 8u: { subgroupMatrixStore<row_major>(&out_tile, to, own[8], OUT_LD); }
      case 9u: { subgroupMatrixStore<row_major>(&out_tile, to, own[9], OUT_LD); }
      case 10u: { subgroupMatrixStore<row_major>(&out_tile, to, own[10], OUT_LD); }
      case 11u: { subgroupMatrixStore<row_major>(&out_tile, to, own[11], OUT_LD); }
      case 12u: { subgroupMatrixStore<row_major>(&out_tile, to, own[12], OUT_LD); }
      case 13u: { subgroupMatrixStore<row_major>(&out_tile, to, own[13], OUT_LD); }
      case 14u: { subgroupMatrixStore<row_major>(&out_tile, to, own[14], OUT_LD); }
      default: { subgroupMatrixStore<row_major>(&out_tile, to, own[15], OUT_LD); }
    }
    workgroupBarrier();
    put_matrices(t / 4u, t % 4u, origin, lane);
    workgroupBarrier();
  }
}
