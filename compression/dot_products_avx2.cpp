#define HWNAS_DOT_PRODUCTS dot_products_avx2
#include "compression/dot_products.inc"
