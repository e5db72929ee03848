#include "spaces/builder.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace hwnas::spaces {
namespace {

TEST(SameWindow, PadsWhatWindowsReachBeyondTheInputAndTheOddPixelBelowAndToTheRight) {
  const ir::Shape in{.channels = 1, .height = 28, .width = 15};
  EXPECT_EQ(same_window(in, {3, 5}, {1, 1}).padding,
            (ir::Padding{.top = 1, .left = 2, .bottom = 1, .right = 2}));
  EXPECT_EQ(same_window(in, {3, 3}, {2, 2}).padding,
            (ir::Padding{.top = 0, .left = 1, .bottom = 1, .right = 1}));
  EXPECT_EQ(same_window(in, {1, 1}, {2, 2}).padding, ir::Padding{});
}

TEST(SameWindow, GivesTensorFlowsExtentsForEveryKernelStrideAndInput) {
  for (int kernel = 1; kernel <= 10; ++kernel) {
    for (int stride = 1; stride <= 4; ++stride) {
      for (int extent = 1; extent <= 12; ++extent) {
        NetworkBuilder builder({.channels = 1, .height = extent, .width = extent});
        const Tensor out =
            builder.conv("conv", builder.input(), {1, square(kernel), square(stride)});
        EXPECT_EQ(out.shape.height, (extent + stride - 1) / stride);
        EXPECT_EQ(out.shape.width, out.shape.height);
      }
    }
  }
}

TEST(NetworkBuilder, KnowsTheShapesThatTheNetworkHas) {
  NetworkBuilder builder({.channels = 3, .height = 15, .width = 9});
  std::vector<Tensor> tensors;
  const auto keep = [&](Tensor tensor) { return tensors.emplace_back(tensor); };
  Tensor x = keep(builder.downsample("half", builder.input(), 2));
  x = keep(builder.conv_bn_act("a", x, {8, {5, 4}, {2, 1}}, ir::ActivationKind::kRelu));
  x = keep(builder.separable("b", x, {12, square(3), square(2)}, ir::ActivationKind::kRelu6));
  x = keep(builder.squeeze_excite("c", x, 4));
  x = keep(builder.add("d", {x, builder.zero("zero", x)}));
  x = keep(builder.global_average_pool("pool", x));
  x = keep(builder.linear("hidden", x, 20));
  const ir::Network network = std::move(builder).finish(x, 7);
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  for (const Tensor& tensor : tensors) {
    EXPECT_EQ(tensor.shape, shapes[tensor.layer]) << network.layers[tensor.layer].name;
  }
  EXPECT_EQ(tensors.front().shape, (ir::Shape{.channels = 3, .height = 8, .width = 5}));
  EXPECT_EQ(shapes.back(), ir::Shape{.channels = 7});
}

TEST(NetworkBuilder, RefusesToFinishABrokenNetwork) {
  NetworkBuilder builder({.channels = 0, .height = 4, .width = 4});
  const Tensor x = builder.global_average_pool("pool", builder.input());
  EXPECT_THROW(std::move(builder).finish(x, 2), Error);
}

}  // namespace
}  // namespace hwnas::spaces
