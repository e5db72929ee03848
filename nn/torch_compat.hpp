#pragma once

#include <torch/torch.h>

#include <optional>

/// The places where the interfaces of LibTorch 1.13 (Debian's) and of the newest differ.

#define HWNAS_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) ||        \
   (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace hwnas::nn {

/// The optional that LibTorch's functions take: its own once, the standard one from 2.4 on.
#if HWNAS_TORCH_AT_LEAST(2, 4)
template <typename T>
using TorchOptional = std::optional<T>;
#else
template <typename T>
using TorchOptional = c10::optional<T>;
#endif

}  // namespace hwnas::nn

/// c10::Allocator::allocate lost its const, and copy_data came, with 2.3.
#if HWNAS_TORCH_AT_LEAST(2, 3)
#define HWNAS_ALLOCATE_CONST
#else
#define HWNAS_ALLOCATE_CONST const
#endif
