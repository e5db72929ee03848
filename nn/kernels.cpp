#include "nn/kernels.hpp"

namespace hwnas::nn {

#ifdef __x86_64__
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx2;
#endif
extern const Kernels kernels_baseline;

const Kernels* const* supported_kernels() {
  static const Kernels* const* const list = [] {
    static const Kernels* found[4] = {};
    int count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
      found[count++] = &kernels_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      found[count++] = &kernels_avx2;
    }
#endif
    found[count] = &kernels_baseline;
    return found;
  }();
  return list;
}

bool computes_bfloats() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bf16") > 0;
#else
  return false;
#endif
}

const Kernels& kernels() {
  return *supported_kernels()[0];
}

}  // namespace hwnas::nn
