#define HWNAS_ISA avx512
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_avx512;
const Kernels kernels_avx512{"avx512",
                             avx512::moments,
                             avx512::apply,
                             avx512::reduce_gradient,
                             avx512::apply_gradient,
                             avx512::fake_quantize,
                             avx512::fake_quantize_gradient,
                             avx512::depthwise,
                             avx512::depthwise_gradient};

}  // namespace hwnas::nn
