# hwnas_library, hwnas_test, hwnas_program: the only ways to add a target.

include(GoogleTest)

add_library(hwnas_options INTERFACE)
target_compile_features(hwnas_options INTERFACE cxx_std_20)
target_compile_options(
  hwnas_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                          $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>) # false alarms: GCC bug 105651
target_include_directories(hwnas_options INTERFACE ${PROJECT_SOURCE_DIR})
if(HWNAS_SANITIZE)
  target_compile_options(hwnas_options INTERFACE -fsanitize=${HWNAS_SANITIZE}
                                                 -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(hwnas_options INTERFACE -fsanitize=${HWNAS_SANITIZE})
endif()

# hwnas_library(search SRCS a.cpp b.cpp DEPS core ir LIBS PkgA::PkgA PUBLIC_LIBS PkgB::PkgB)
# A room: sources in this folder, the rooms it may include, the third-party libraries it uses.
function(hwnas_library NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;LIBS;PUBLIC_LIBS" ${ARGN})
  add_library(hwnas_${NAME} STATIC ${ARG_SRCS})
  add_library(hwnas::${NAME} ALIAS hwnas_${NAME})
  list(TRANSFORM ARG_DEPS PREPEND "hwnas::")
  target_link_libraries(hwnas_${NAME} PUBLIC hwnas_options ${ARG_DEPS} ${ARG_PUBLIC_LIBS}
                                      PRIVATE ${ARG_LIBS})
endfunction()

# hwnas_test(search SRCS a_test.cpp LIBS … [TORCH] [FIXTURES])
# One executable <room>_test. Suites that load LibTorch are one ctest entry (loading it costs half
# a second a process); all others are one entry a test. Every test finds configs/ by HWNAS_SOURCE_DIR.
function(hwnas_test NAME)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SRCS;LIBS" ${ARGN})
  add_executable(${NAME}_test ${ARG_SRCS})
  list(TRANSFORM ARG_LIBS PREPEND "hwnas::" REGEX "^[a-z]+$")
  target_link_libraries(${NAME}_test PRIVATE hwnas::${NAME} ${ARG_LIBS} GTest::gtest_main
                                             GTest::gmock)
  target_compile_definitions(${NAME}_test PRIVATE HWNAS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(ARG_TORCH)
    target_precompile_headers(${NAME}_test REUSE_FROM hwnas_torch_pch)
    target_link_libraries(${NAME}_test PRIVATE hwnas_torch)
    add_test(NAME ${NAME}_test COMMAND ${NAME}_test)
    set_tests_properties(${NAME}_test PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  else()
    gtest_discover_tests(${NAME}_test DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()
