#include "compression/dot_products.hpp"

namespace hwnas::compression {

void dot_products_baseline(const std::int16_t* weights, const std::int16_t* values,
                           std::ptrdiff_t length, std::int32_t* sums);
void dot_products_avx2(const std::int16_t* weights, const std::int16_t* values,
                       std::ptrdiff_t length, std::int32_t* sums);
void dot_products_avx512(const std::int16_t* weights, const std::int16_t* values,
                         std::ptrdiff_t length, std::int32_t* sums);

DotProducts dot_products() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512bw")) return dot_products_avx512;
  if (__builtin_cpu_supports("avx2")) return dot_products_avx2;
#endif
  return dot_products_baseline;
}

}  // namespace hwnas::compression
