// Schemas of the operators, and the module that loads them.
#include <Python.h>
#include <torch/library.h>

TORCH_LIBRARY(recon_ops, m) {
  const std::vector<at::Tag> tags{at::Tag::pt2_compliant_tag};
  m.def("farthest_point_sample(Tensor points, SymInt num_samples, bool skip_origin) -> Tensor", tags);
  m.def("knn(Tensor query, Tensor points, SymInt k, bool sorted) -> (Tensor, Tensor)", tags);
  m.def("nearest(Tensor a, Tensor b) -> (Tensor, Tensor, Tensor, Tensor)", tags);
  m.def(
      "nearest_backward(Tensor grad_a, Tensor grad_b, Tensor a, Tensor b, Tensor index_a, Tensor index_b) -> Tensor",
      tags);
  m.def("ball_query(Tensor centers, Tensor points, float radius, SymInt k) -> Tensor", tags);
  m.def("three_interpolate(Tensor features, Tensor index, Tensor weight) -> Tensor", tags);
  m.def("three_interpolate_backward(Tensor grad, Tensor index, Tensor weight, SymInt m) -> Tensor", tags);
  m.def("gather_channels(Tensor features, Tensor index) -> Tensor", tags);
  m.def("gather_channels_backward(Tensor grad, Tensor index, SymInt n) -> Tensor", tags);
  m.def(
      "group(Tensor points, SymInt num_group, SymInt group_size, bool skip_origin) -> (Tensor, Tensor, Tensor, Tensor)",
      tags);
}

// Importing the module runs the registrations above and those of the operator files; it holds nothing itself.
extern "C" PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {
      PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};
  return PyModule_Create(&definition);
}
