#include "../common.h"
#include "../fps/fps.h"
#include "../knn/knn.h"

namespace recon_ops {
namespace {

std::tuple<Tensor, Tensor, Tensor, Tensor> group(const Tensor& points, int64_t groups, int64_t size, bool skip_origin) {
  check_floats(points, "points", 3);
  const int64_t batch = points.size(0), total = points.size(1);
  check(groups >= 1 && groups <= total, "num_group must be in 1..", total, ", got ", groups);
  check(size >= 1 && size <= total, "group_size must be in 1..", total, ", got ", size);
  const Tensor cloud = as_contiguous(points);
  check_finite(cloud, "points");
  Tensor patches = empty({batch, groups, size, 3}, Type::Float, cloud);
  Tensor centers = empty({batch, groups, 3}, Type::Float, cloud);
  Tensor center_index = empty({batch, groups}, Type::Long, cloud);
  Tensor index = empty({batch, groups, size}, Type::Long, cloud);
  const float* from = cloud.const_data_ptr<float>();
  float *to = patches.mutable_data_ptr<float>(), *middle = centers.mutable_data_ptr<float>();
  int64_t *chosen = center_index.mutable_data_ptr<int64_t>(), *near = index.mutable_data_ptr<int64_t>();

  sample_clouds(from, batch, total, groups, skip_origin, chosen);
  for (int64_t i = 0; i < batch * groups; ++i)
    std::copy_n(from + 3 * (i / groups * total + chosen[i]), 3, middle + 3 * i);
  Scratch<float> distance(batch * groups * size);
  search_clouds(middle, from, batch, groups, total, 3, size, true, distance.get(), near);
  parallel_for(0, batch * groups, grain(4 * size), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float *points_of = from + 3 * (i / groups) * total, *center = middle + 3 * i;
      for (int64_t j = i * size; j < (i + 1) * size; ++j)
        for (int d = 0; d < 3; ++d) to[3 * j + d] = points_of[3 * near[j] + d] - center[d];
    }
  });
  return {patches, centers, center_index, index};
}

}  // namespace

RECON_LIBRARY(CPU, m) { m.impl("group", RECON_KERNEL_OF(group)); }

}  // namespace recon_ops
