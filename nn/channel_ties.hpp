#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::nn {

/// Which channels of the layers of a space's networks are the same: those that a layer writes and
/// all its readers read, that a sum adds, that a depthwise convolution or batch norm passes on. To
/// change their order, all of them must be changed alike.
class ChannelTies {
 public:
  /// Names a set of tied channels; kFixed's order means something outside the layers' weights: the
  /// network's input and output, and where layers read parts of them.
  using Set = int;
  static constexpr Set kFixed = 0;

  void cover(const ir::Network& network);

  /// Those that the layer writes (reads); kFixed for a layer that no covered network has, and what
  /// a depthwise convolution or batch norm reads.
  Set written_by(const std::string& layer) const { return set_of(written_, layer); }
  Set read_by(const std::string& layer) const { return set_of(read_, layer); }

 private:
  using Sets = std::map<std::string, Set>;

  Set set_of(const Sets& sets, const std::string& layer) const;
  Set root(Set set) const;
  Set fresh();
  /// Of a layer, `tied` where it is the first time.
  Set tie(Sets& sets, const std::string& layer, Set tied);
  void unite(Set a, Set b);
  Set cover_layer(const ir::Layer& layer, const ir::Shape& in, const std::vector<Set>& inputs);

  std::vector<Set> parents_{kFixed};
  Sets written_;
  Sets read_;
};

}  // namespace hwnas::nn
