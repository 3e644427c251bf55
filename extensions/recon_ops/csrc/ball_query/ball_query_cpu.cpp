#define RECON_KERNEL "ball_query/ball_query_kernel.h"
#include "../common.h"
#include "../simd.h"

namespace recon_ops {
namespace {

Tensor ball_query(const Tensor& centers, const Tensor& points, double radius, int64_t k) {
  check_floats(centers, "centers", 3);
  check_floats(points, "points", 3);
  check_same_batch(centers, points, "centers and points");
  const int64_t batch = points.size(0), rows = centers.size(1), total = points.size(1);
  check(k >= 1 && k < (int64_t{1} << 30), "k must be at least 1, got ", k);
  check(total > 0 || batch == 0, "points must have at least one point");
  const Tensor from = as_contiguous(centers), to = as_contiguous(points);
  check_finite(from, "centers");
  check_finite(to, "points");
  const float rounded = static_cast<float>(radius), limit = rounded * rounded;
  Tensor index = empty({batch, rows, k}, Type::Long, from);
  const float *query = from.const_data_ptr<float>(), *cloud = to.const_data_ptr<float>();
  int64_t* out = index.mutable_data_ptr<int64_t>();
  const int64_t stride = padded(total);
  parallel_for(0, batch * rows, grain(total / 4), [&](int64_t begin, int64_t end) {
    Scratch<float> transposed(3 * stride);
    Scratch<int32_t> found(k + PADDING);
    while (begin < end) {
      const int64_t b = begin / rows, last = std::min(end, (b + 1) * rows);
      transpose(cloud + b * total * 3, total, 3, transposed.get());
      RECON_DISPATCH(ball_rows(
          transposed.get(), stride, query + 3 * begin, last - begin, limit, k, found.get(), out + begin * k));
      begin = last;
    }
  });
  return index;
}

}  // namespace

RECON_LIBRARY(CPU, m) { m.impl("ball_query", RECON_KERNEL_OF(ball_query)); }

}  // namespace recon_ops
