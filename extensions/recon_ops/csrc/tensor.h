// The only file that knows PyTorch: its tensors, threads and registration, by LibTorch's stable ABI, so that one library
// serves PyTorch 2.10 and all later ones, or by ATen, which earlier ones need.
#pragma once

#if RECON_STABLE_ABI
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#else
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>
#endif

#include <array>
#include <cstdint>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace recon_ops {

// Says in Python what is wrong with the arguments; recon_ops/ops.py makes it a ValueError by its first word.
template <class... Parts>
void check(bool condition, const Parts&... parts) {
  if (condition) return;
  std::ostringstream message;
  message << "recon_ops: ";
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

using Sizes = std::initializer_list<int64_t>;

#if RECON_STABLE_ABI

using torch::stable::Tensor;
using Type = torch::headeronly::ScalarType;

inline Tensor as_contiguous(const Tensor& tensor) { return torch::stable::contiguous(tensor); }
inline Tensor empty(Sizes sizes, Type type, const Tensor& like) { return torch::stable::new_empty(like, sizes, type); }
inline Tensor zeros(Sizes sizes, Type type, const Tensor& like) { return torch::stable::new_zeros(like, sizes, type); }

template <class Work>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const Work& work) {
  torch::stable::parallel_for(begin, end, grain, work);
}

// Two tensors that an ATen operator returns.
template <size_t N>
std::pair<Tensor, Tensor> call_aten(const char* name, const char* overload, std::array<StableIValue, N> stack) {
  TORCH_ERROR_CODE_CHECK(torch_call_dispatcher(name, overload, stack.data(), TORCH_ABI_VERSION));
  return {torch::stable::detail::to<Tensor>(stack[0]), torch::stable::detail::to<Tensor>(stack[1])};
}

// Sorts the rows of a matrix, equal ones in their order: values and where they were.
inline std::pair<Tensor, Tensor> sort_rows(const Tensor& matrix) {
  using torch::stable::detail::from;
  const std::optional<bool> stable = true;
  return call_aten<4>("aten::sort", "stable", {from(matrix), from(stable), from(int64_t{1}), from(false)});
}

// The k smallest of every row of a matrix, ascending.
inline Tensor smallest_of_rows(const Tensor& matrix, int64_t k) {
  using torch::stable::detail::from;
  return call_aten<5>("aten::topk", "", {from(matrix), from(k), from(int64_t{1}), from(false), from(true)}).first;
}

inline Tensor as_int_matrix(const Tensor& tensor, int64_t rows, int64_t columns) {
  return torch::stable::to(torch::stable::reshape(tensor, {rows, columns}), Type::Int);
}

#define RECON_LIBRARY(key, m) STABLE_TORCH_LIBRARY_IMPL(recon_ops, key, m)
#define RECON_KERNEL_OF(function) TORCH_BOX(&function)

#else

using at::Tensor;
using Type = at::ScalarType;

inline Tensor as_contiguous(const Tensor& tensor) { return tensor.contiguous(); }
inline Tensor empty(Sizes sizes, Type type, const Tensor& like) {
  return at::empty(sizes, like.options().dtype(type));
}
inline Tensor zeros(Sizes sizes, Type type, const Tensor& like) {
  return at::zeros(sizes, like.options().dtype(type));
}

template <class Work>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const Work& work) {
  at::parallel_for(begin, end, grain, work);
}

inline std::pair<Tensor, Tensor> sort_rows(const Tensor& matrix) {
  auto [values, order] = at::sort(matrix, /*stable=*/true, 1, false);
  return {values, order};
}

inline Tensor smallest_of_rows(const Tensor& matrix, int64_t k) {
  return std::get<0>(at::topk(matrix, k, 1, /*largest=*/false, /*sorted=*/true));
}

inline Tensor as_int_matrix(const Tensor& tensor, int64_t rows, int64_t columns) {
  return tensor.reshape({rows, columns}).to(Type::Int);
}

#define RECON_LIBRARY(key, m) TORCH_LIBRARY_IMPL(recon_ops, key, m)
#define RECON_KERNEL_OF(function) &function

#endif

inline bool has_sizes(const Tensor& tensor, Sizes sizes) {
  if (tensor.dim() != static_cast<int64_t>(sizes.size())) return false;
  int64_t d = 0;
  for (const int64_t size : sizes)
    if (tensor.size(d++) != size) return false;
  return true;
}

}  // namespace recon_ops
