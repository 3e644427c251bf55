#pragma once

#include <cstdint>

namespace recon_ops {

// Indices (batch, count) of farthest points of `points` (batch, total, 3).
void sample_clouds(const float* points, int64_t batch, int64_t total, int64_t count, bool skip_origin, int64_t* index);

}  // namespace recon_ops
