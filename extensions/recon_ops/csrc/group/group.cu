// Points to patches in two launches: sampling writes the centres as it picks them, the search writes relative points.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

std::tuple<Tensor, Tensor, Tensor, Tensor> group(
    const Tensor& points, int64_t num_group, int64_t group_size, bool skip_origin) {
  const DeviceOf guard(points);
  const Tensor own = floats(points, "points", points, 3);
  check(own.size(2) == 3, "points must be (B, N, 3)");
  const int64_t batch = own.size(0);
  const Tensor neighborhoods = empty({batch, num_group, group_size, 3}, Type::Float, own);
  const Tensor centers = empty({batch, num_group, 3}, Type::Float, own);
  const Tensor picked = empty({batch, num_group}, Type::Long, own);
  const Tensor found = empty({batch, num_group, group_size}, Type::Long, own);
  sample_farthest(own, num_group, skip_origin, picked, centers.mutable_data_ptr<float>());
  const Search task = {
      centers.const_data_ptr<float>(), own.const_data_ptr<float>(), batch, count(num_group), count(own.size(1)),
      count(group_size), nullptr, found.mutable_data_ptr<int64_t>(), neighborhoods.mutable_data_ptr<float>()};
  search_nearest(task, 3, own);
  return {neighborhoods, centers, picked, found};
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("group", RECON_KERNEL_OF(group));
}

}  // namespace recon_ops::cuda
