#define HWNAS_ISA avx2
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_avx2;
const Kernels kernels_avx2{"avx2",
                           avx2::moments,
                           avx2::apply,
                           avx2::reduce_gradient,
                           avx2::apply_gradient,
                           avx2::fake_quantize,
                           avx2::fake_quantize_gradient,
                           avx2::depthwise,
                           avx2::depthwise_gradient};

}  // namespace hwnas::nn
