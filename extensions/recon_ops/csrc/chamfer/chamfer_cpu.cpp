#define RECON_KERNEL "chamfer/chamfer_kernel.h"
#include "../common.h"
#include "../simd.h"

namespace recon_ops {
namespace {

// Queries that one piece of work holds, so that few large clouds are shared among threads too.
constexpr int64_t PIECE = 256;

std::tuple<Tensor, Tensor, Tensor, Tensor> nearest(const Tensor& a, const Tensor& b) {
  check_floats(a, "a", 3);
  check_floats(b, "b", 3);
  check_same_batch(a, b, "a and b");
  const int64_t batch = a.size(0), m = a.size(1), n = b.size(1);
  check(m > 0 || batch == 0, "a must have at least one point");
  check(n > 0 || batch == 0, "b must have at least one point");
  const Tensor first = as_contiguous(a), second = as_contiguous(b);
  check_finite(first, "a");
  check_finite(second, "b");
  Tensor distance_a = empty({batch, m}, Type::Float, first), distance_b = empty({batch, n}, Type::Float, first);
  Tensor index_a = empty({batch, m}, Type::Long, first), index_b = empty({batch, n}, Type::Long, first);
  const float *pa = first.const_data_ptr<float>(), *pb = second.const_data_ptr<float>();
  float *da = distance_a.mutable_data_ptr<float>(), *db = distance_b.mutable_data_ptr<float>();
  int64_t *ia = index_a.mutable_data_ptr<int64_t>(), *ib = index_b.mutable_data_ptr<int64_t>();
  const int64_t pieces_a = (m + PIECE - 1) / PIECE, pieces_b = (n + PIECE - 1) / PIECE, pieces = pieces_a + pieces_b;
  const int64_t cost = m * n / 8 / std::max<int64_t>(1, pieces);
  parallel_for(0, batch * pieces, grain(cost), [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t cloud = piece / pieces, part = piece % pieces;
      const float *ca = pa + cloud * m * 3, *cb = pb + cloud * n * 3;
      if (part < pieces_a) {
        const int64_t row = part * PIECE, rows = std::min(PIECE, m - row), to = cloud * m + row;
        RECON_DISPATCH(nearest_points(ca + 3 * row, rows, cb, n, da + to, ia + to));
      } else {
        const int64_t row = (part - pieces_a) * PIECE, rows = std::min(PIECE, n - row), to = cloud * n + row;
        RECON_DISPATCH(nearest_points(cb + 3 * row, rows, ca, m, db + to, ib + to));
      }
    }
  });
  return {distance_a, distance_b, index_a, index_b};
}

// Gradient into a: of its own distances, and of those of the points of b that found it nearest.
void backward_of_cloud(
    const float* grad_a, const int64_t* index_a, const float* a, int64_t m, const float* grad_b,
    const int64_t* index_b, const float* b, int64_t n, float* out) {
  for (int64_t i = 0; i < m; ++i) {
    const float g = 2 * grad_a[i];
    const float *p = a + 3 * i, *q = b + 3 * index_a[i];
    for (int d = 0; d < 3; ++d) out[3 * i + d] = g * (p[d] - q[d]);
  }
  for (int64_t j = 0; j < n; ++j) {
    const float g = 2 * grad_b[j];
    const float *p = b + 3 * j, *q = a + 3 * index_b[j];
    float* to = out + 3 * index_b[j];
    for (int d = 0; d < 3; ++d) to[d] -= g * (p[d] - q[d]);
  }
}

Tensor nearest_backward(
    const Tensor& grad_a, const Tensor& grad_b, const Tensor& a, const Tensor& b, const Tensor& index_a,
    const Tensor& index_b) {
  check_floats(a, "a", 3);
  check_floats(b, "b", 3);
  check_same_batch(a, b, "a and b");
  const int64_t batch = a.size(0), m = a.size(1), n = b.size(1);
  check(has_sizes(grad_a, {batch, m}), "grad_a must be (B, M)");
  check(has_sizes(grad_b, {batch, n}), "grad_b must be (B, N)");
  check(has_sizes(index_a, {batch, m}), "index_a must be (B, M)");
  check(has_sizes(index_b, {batch, n}), "index_b must be (B, N)");
  check(grad_a.scalar_type() == Type::Float, "grad_a must be float32");
  check(grad_b.scalar_type() == Type::Float, "grad_b must be float32");
  const Tensor first = as_contiguous(a), second = as_contiguous(b), ga = as_contiguous(grad_a), gb = as_contiguous(grad_b);
  const Tensor ia = as_contiguous(index_a), ib = as_contiguous(index_b);
  check_index(ia, "index_a", n);
  check_index(ib, "index_b", m);
  Tensor into = empty({batch, m, 3}, Type::Float, first);
  const float *pa = first.const_data_ptr<float>(), *pb = second.const_data_ptr<float>();
  const float *va = ga.const_data_ptr<float>(), *vb = gb.const_data_ptr<float>();
  const int64_t *ja = ia.const_data_ptr<int64_t>(), *jb = ib.const_data_ptr<int64_t>();
  float* out = into.mutable_data_ptr<float>();
  // A cloud is added up in order by one thread: the same sums with any number of threads.
  parallel_for(0, batch, grain(4 * (m + n)), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t s = c * m, t = c * n;
      backward_of_cloud(va + s, ja + s, pa + 3 * s, m, vb + t, jb + t, pb + 3 * t, n, out + 3 * s);
    }
  });
  return into;
}

}  // namespace

RECON_LIBRARY(CPU, m) {
  m.impl("nearest", RECON_KERNEL_OF(nearest));
  m.impl("nearest_backward", RECON_KERNEL_OF(nearest_backward));
}

}  // namespace recon_ops
