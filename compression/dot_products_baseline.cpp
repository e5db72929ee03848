#define HWNAS_DOT_PRODUCTS dot_products_baseline
#include "compression/dot_products.inc"
