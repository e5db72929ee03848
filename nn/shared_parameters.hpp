#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ir/network.hpp"
#include "nn/channel_ties.hpp"

namespace hwnas::nn {

/// Where the networks of a search space find their trainable parameters among those that all of
/// them share (weight sharing: Guo et al., "Single Path One-Shot Neural Architecture Search", 2020;
/// Cai et al., "Once-for-All", 2020). No torch.
///
/// Layers of one name share one array, as large as the largest of them: a narrower layer has its
/// leading channels, a smaller kernel its middle, a shallower network lacks the layers that it
/// lacks. Nothing else is known of a space, so a space needs no code of its own: it gives layers
/// that stand for the same thing the same name.
///
/// Values are in the order of NetworkModule::flat_parameters(): layer by layer, a convolution's
/// weight as output channel, row, column, input channel.
class SharedParameters {
 public:
  /// A kernel cut out of a larger one, which a learned matrix adapts (Cai et al., 2020, section
  /// 3.3, "Elastic Kernel Size"): `positions` = height · width of the smaller one.
  struct Kernel {
    std::int64_t first = 0;      ///< of the weight among the network's own parameters
    std::int64_t rows = 0;       ///< output channels
    std::int64_t positions = 0;  ///< of the kernel
    std::int64_t columns = 0;    ///< input channels of a group
    std::int64_t matrix = 0;     ///< first of positions² values among the shared parameters
  };

  /// What one network takes.
  struct Selection {
    /// For each of its parameters, which of the shared ones it is.
    std::vector<std::int64_t> places;
    std::vector<Kernel> kernels;
  };

  /// Makes room for the network's parameters. Before the first use of the others.
  /// Throws InvalidArgument if a layer's name stands for a layer of another kind in a network that
  /// was covered before.
  void cover(const ir::Network& network);

  /// Number of shared parameters, kernel matrices included.
  std::int64_t size() const { return size_; }
  /// Throws InvalidArgument if the network has a parameter that no covered one has.
  Selection select(const ir::Network& network) const;

  /// Where the matrices of smaller kernels are: first value and positions of each.
  struct Matrix {
    std::int64_t first = 0;
    std::int64_t positions = 0;
  };
  std::vector<Matrix> matrices() const;
  /// 1 for each parameter that weight decay applies to (weights of convolutions and linear layers),
  /// else 0.
  std::vector<float> decay_mask() const;

  /// An order of the shared parameters in which of all channels that lie beside each other the most
  /// important come first: a channel weighs the sum of the magnitudes of the weights that read it
  /// (Cai et al., 2020, section 3.3, "Elastic Width"). Place i takes the parameter that is at
  /// place result[i]. Networks of full width compute the same as before. Tied channels of layers
  /// that are not equally wide keep their places.
  std::vector<std::int64_t> order_by_importance(std::span<const float> values) const;

 private:
  struct Extent {
    std::int64_t rows = 0;
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::int64_t columns = 0;
  };
  struct Array {
    Extent extent;
    bool decays = false;
    bool has_bias = false;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> matrices;  ///< by height, width
    std::int64_t first = 0;
    std::int64_t bias = 0;  ///< of rows values
  };

  /// For each set of tied channels that can be reordered, which one comes to each place.
  using Orders = std::map<ChannelTies::Set, std::vector<std::int64_t>>;

  void lay_out();
  Orders channel_orders(std::span<const float> values) const;

  std::map<std::string, Array> arrays_;
  ChannelTies ties_;
  std::int64_t size_ = 0;
};

}  // namespace hwnas::nn
