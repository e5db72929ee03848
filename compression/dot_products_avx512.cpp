#define HWNAS_DOT_PRODUCTS dot_products_avx512
#include "compression/dot_products.inc"
