#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hwnas::report {

/// Text for element content and quoted attributes of HTML and SVG. Control characters, which
/// neither allows, become U+FFFD.
std::string escape(std::string_view text);

/// JSON text for the inside of a <script> element: nothing in it can end the element.
std::string escape_for_script(std::string json);

/// "'sha256-…'": how a Content-Security-Policy names an inline style or script.
std::string csp_hash(std::string_view text);

/// Three significant digits, whole numbers in full: "3.10", "48", "0.0512"; "–" if not finite.
std::string format_number(double value);

/// As many decimals as `digits` significant digits of `value` take: 2 for 3.1 and 3 digits.
int decimals_for(double value, int digits);

/// "850 ms", "12.3 s", "4 min 07 s", "2 h 05 min"; "–" if not finite.
std::string format_duration(double seconds);

/// "1 trial", "3 trials".
std::string counted(std::size_t count, std::string_view noun);

}  // namespace hwnas::report
