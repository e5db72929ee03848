#define HWNAS_ISA baseline
#include "nn/depthwise.inc"
#include "nn/kernels.inc"

namespace hwnas::nn {

extern const Kernels kernels_baseline;
const Kernels kernels_baseline{"baseline",
                               baseline::moments,
                               baseline::apply,
                               baseline::reduce_gradient,
                               baseline::apply_gradient,
                               baseline::fake_quantize,
                               baseline::fake_quantize_gradient,
                               baseline::depthwise,
                               baseline::depthwise_gradient};

}  // namespace hwnas::nn
