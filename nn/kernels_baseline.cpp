#define HWNAS_ISA baseline
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_baseline;
const Kernels kernels_baseline = baseline::all_kernels("baseline");

}  // namespace hwnas::nn
