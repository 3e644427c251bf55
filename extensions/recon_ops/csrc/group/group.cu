// Points to patches in two launches: sampling writes the centres as it picks them, the search writes relative points.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> group(
    const at::Tensor& points, int64_t num_group, int64_t group_size, bool skip_origin) {
  const c10::cuda::CUDAGuard guard(points.device());
  const at::Tensor own = floats(points, "points", points, 3);
  TORCH_CHECK_VALUE(own.size(2) == 3, "points must be (B, N, 3)");
  const int64_t batch = own.size(0);
  const at::TensorOptions longs = own.options().dtype(at::kLong);
  const at::Tensor neighborhoods = at::empty({batch, num_group, group_size, 3}, own.options());
  const at::Tensor centers = at::empty({batch, num_group, 3}, own.options());
  const at::Tensor picked = at::empty({batch, num_group}, longs);
  const at::Tensor found = at::empty({batch, num_group, group_size}, longs);
  sample_farthest(own, num_group, skip_origin, picked, centers.mutable_data_ptr<float>());
  const Search task = {
      centers.const_data_ptr<float>(), own.const_data_ptr<float>(), batch, count(num_group), count(own.size(1)),
      count(group_size), nullptr, found.mutable_data_ptr<int64_t>(), neighborhoods.mutable_data_ptr<float>()};
  search_nearest(task, 3, own.options());
  return {neighborhoods, centers, picked, found};
}

}  // namespace

TORCH_LIBRARY_IMPL(recon_ops, CUDA, m) {
  m.impl("group", &group);
}

}  // namespace recon_ops::cuda
