# LibTorch for nn/ and train/: one target with its headers and one shared precompiled header.
# Debian's libtorch-dev by default; any other by CMAKE_PREFIX_PATH.

find_package(Torch REQUIRED)

add_library(hwnas_torch INTERFACE)
target_link_libraries(hwnas_torch INTERFACE hwnas_options ${TORCH_LIBRARIES})
# System headers: LibTorch's own warnings are not ours to mend.
target_include_directories(hwnas_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(hwnas_torch INTERFACE ${torch_flags})

file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp.in "// holds the precompiled torch/torch.h\n")
configure_file(${PROJECT_BINARY_DIR}/torch_pch.cpp.in ${PROJECT_BINARY_DIR}/torch_pch.cpp COPYONLY)
add_library(hwnas_torch_pch STATIC ${PROJECT_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(hwnas_torch_pch PUBLIC hwnas_torch)
target_precompile_headers(hwnas_torch_pch PRIVATE <torch/torch.h>)

# hwnas_uses_torch(nn): the room's sources see LibTorch through the shared header.
function(hwnas_uses_torch NAME)
  target_link_libraries(hwnas_${NAME} PRIVATE hwnas_torch)
  target_precompile_headers(hwnas_${NAME} REUSE_FROM hwnas_torch_pch)
endfunction()
