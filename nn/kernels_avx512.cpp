#define HWNAS_ISA avx512
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_avx512;
const Kernels kernels_avx512 = avx512::all_kernels("avx512");

}  // namespace hwnas::nn
