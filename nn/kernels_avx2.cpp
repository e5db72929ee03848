#define HWNAS_ISA avx2
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_avx2;
const Kernels kernels_avx2 = avx2::all_kernels("avx2");

}  // namespace hwnas::nn
