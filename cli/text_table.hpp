#pragma once

#include <string>
#include <vector>

namespace hwnas::cli {

/// Rows of cells in aligned columns, two blanks apart, for people to read. A column whose cells
/// below the first row are all numbers (or empty) is aligned at the right.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace hwnas::cli
