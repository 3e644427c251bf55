#pragma once

#include <cstdint>

namespace recon_ops {

// k nearest of `points` (batch, total, width) for each of `query` (batch, rows, width): squared distances and indices
// (batch, rows, k), ascending if sorted.
void search_clouds(const float* query, const float* points, int64_t batch, int64_t rows, int64_t total, int64_t width,
                   int64_t k, bool sorted, float* distance, int64_t* index);

}  // namespace recon_ops
