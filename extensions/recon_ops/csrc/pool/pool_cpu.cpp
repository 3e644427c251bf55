#define RECON_KERNEL "pool/pool_kernel.h"
#include "../common.h"
#include "../simd.h"

namespace recon_ops {
namespace {

void check_values(const Tensor& tensor, const char* name) {
  check(tensor.dim() == 3, name, " must have 3 dimensions, got ", tensor.dim());
  check(tensor.scalar_type() == Type::Float || tensor.scalar_type() == Type::BFloat16, name,
        " must be float32 or bfloat16");
  check(tensor.size(1) > 0 && tensor.size(1) < (int64_t{1} << 30), name, " must hold at least one row a patch");
}

template <class T>
void pool(const Tensor& values, Tensor& out, Tensor& index) {
  const int64_t patches = values.size(0), k = values.size(1), channels = values.size(2);
  const T* from = static_cast<const T*>(values.const_data_ptr());
  T* to = static_cast<T*>(out.mutable_data_ptr());
  int64_t* where = index.mutable_data_ptr<int64_t>();
  parallel_for(0, patches, grain(k * channels), [&](int64_t begin, int64_t end) {
    Scratch<float> best(channels);
    Scratch<int32_t> row(channels);
    for (int64_t p = begin; p < end; ++p) {
      RECON_DISPATCH(max_of_rows(from + p * k * channels, k, channels, best.get(), row.get()));
      RECON_DISPATCH(store_maximum(best.get(), row.get(), channels, to + p * channels, where + p * channels));
    }
  });
}

std::tuple<Tensor, Tensor> max_pool(const Tensor& values) {
  check_values(values, "values");
  const Tensor from = as_contiguous(values);
  Tensor out = empty({from.size(0), from.size(2)}, from.scalar_type(), from);
  Tensor index = empty({from.size(0), from.size(2)}, Type::Long, from);
  from.scalar_type() == Type::Float ? pool<float>(from, out, index) : pool<uint16_t>(from, out, index);
  return {out, index};
}

template <class T>
void scatter(const Tensor& grad, const Tensor& index, const Tensor& points, const Tensor& weight, Tensor& into_points,
             Tensor& into_weight) {
  const int64_t patches = points.size(0), k = points.size(1), width = points.size(2), channels = weight.size(0);
  const float *g = grad.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  const int64_t* where = index.const_data_ptr<int64_t>();
  const T* rows = static_cast<const T*>(points.const_data_ptr());
  T* to = static_cast<T*>(into_points.mutable_data_ptr());
  float* sum = into_weight.mutable_data_ptr<float>();
  parallel_for(0, patches, grain(channels * width), [&](int64_t begin, int64_t end) {
    Scratch<float> tile(k * width);
    for (int64_t p = begin; p < end; ++p)
      RECON_DISPATCH(into_rows(g + p * channels, where + p * channels, w, channels, k, width, tile.get(),
                               to + p * k * width));
  });
  // A channel is added up in order by one thread: the same sums with any number of threads.
  parallel_for(0, channels, grain(patches * width), [&](int64_t begin, int64_t end) {
    for (int64_t p = 0; p < patches; ++p)
      RECON_DISPATCH(into_weights(g + p * channels, where + p * channels, rows + p * k * width, begin, end, width, sum));
  });
}

std::tuple<Tensor, Tensor> linear_max_backward(const Tensor& grad, const Tensor& index, const Tensor& points,
                                               const Tensor& weight) {
  check_values(points, "points");
  check(weight.dim() == 2 && weight.size(1) == points.size(2), "weight must be (C, D) with the D of points");
  check(weight.scalar_type() == Type::Float && grad.scalar_type() == Type::Float, "grad and weight must be float32");
  check(has_sizes(grad, {points.size(0), weight.size(0)}), "grad must be (R, C)");
  check(has_sizes(index, {points.size(0), weight.size(0)}), "index must be (R, C), as grad is");
  const Tensor g = as_contiguous(grad), at = as_contiguous(index), rows = as_contiguous(points);
  const Tensor w = as_contiguous(weight);
  check_index(at, "index", points.size(1));
  Tensor into_points = empty({points.size(0), points.size(1), points.size(2)}, points.scalar_type(), points);
  Tensor into_weight = zeros({weight.size(0), weight.size(1)}, Type::Float, weight);
  (points.scalar_type() == Type::Float ? scatter<float> : scatter<uint16_t>)(g, at, rows, w, into_points, into_weight);
  return {into_points, into_weight};
}

}  // namespace

RECON_LIBRARY(CPU, m) {
  m.impl("max_pool", RECON_KERNEL_OF(max_pool));
  m.impl("linear_max_backward", RECON_KERNEL_OF(linear_max_backward));
}

}  // namespace recon_ops
