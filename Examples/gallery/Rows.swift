import Dash

/// The columns of the grid, in order.
let lifeExpectancyColumns = ["country", "continent", "year", "lifeExp", "pop", "gdpPercap"]

/// 1,704 rows: 142 countries sorted by name, every five years from 1952 to 2007.
///
/// It has the shape of a well-known data set. The figures are computed by a formula, so no data file is needed.
func lifeExpectancyRows() -> [JSON] {
    countries.enumerated().flatMap { number, country in
        (0..<12).map { step in row(of: country, number: number, step: step) }
    }
}

private func row(of country: Country, number: Int, step: Int) -> JSON {
    let spread = Double(number * 37 % 100) / 100  // 0..<1, constant for each country
    let income = (400 + 9_000 * spread) * (1 + 0.18 * Double(step))
    return dict(
        country: country.name,
        continent: country.continent,
        year: 1952 + 5 * step,
        lifeExp: rounded(35 + 30 * spread + 1.3 * Double(step)),
        pop: Int((1_000_000 * (1 + 60 * spread) * (1 + 0.09 * Double(step))).rounded()),
        gdpPercap: rounded(income)
    )
}

private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

private struct Country {
    let name: String
    let continent: String
}

private let countries: [Country] =
    continents
    .flatMap { continent, names in names.split(separator: ", ").map { Country(name: String($0), continent: continent) }
    }
    .sorted { $0.name < $1.name }

private let continents: KeyValuePairs = [
    "Africa": """
    Algeria, Angola, Benin, Botswana, Burkina Faso, Burundi, Cameroon, Central African Republic, Chad, Comoros, \
    Congo (Dem. Rep.), Congo (Rep.), Cote d'Ivoire, Djibouti, Egypt, Equatorial Guinea, Eritrea, Ethiopia, Gabon, \
    Gambia, Ghana, Guinea, Guinea-Bissau, Kenya, Lesotho, Liberia, Libya, Madagascar, Malawi, Mali, Mauritania, \
    Mauritius, Morocco, Mozambique, Namibia, Niger, Nigeria, Reunion, Rwanda, Sao Tome and Principe, Senegal, \
    Sierra Leone, Somalia, South Africa, Sudan, Swaziland, Tanzania, Togo, Tunisia, Uganda, Zambia, Zimbabwe
    """,
    "Americas": """
    Argentina, Bolivia, Brazil, Canada, Chile, Colombia, Costa Rica, Cuba, Dominican Republic, Ecuador, El Salvador, \
    Guatemala, Haiti, Honduras, Jamaica, Mexico, Nicaragua, Panama, Paraguay, Peru, Puerto Rico, \
    Trinidad and Tobago, United States, Uruguay, Venezuela
    """,
    "Asia": """
    Afghanistan, Bahrain, Bangladesh, Cambodia, China, Hong Kong, India, Indonesia, Iran, Iraq, Israel, Japan, Jordan, \
    Korea (North), Korea (South), Kuwait, Lebanon, Malaysia, Mongolia, Myanmar, Nepal, Oman, Pakistan, Philippines, \
    Saudi Arabia, Singapore, Sri Lanka, Syria, Taiwan, Thailand, Vietnam, West Bank and Gaza, Yemen
    """,
    "Europe": """
    Albania, Austria, Belgium, Bosnia and Herzegovina, Bulgaria, Croatia, Czech Republic, Denmark, Finland, France, \
    Germany, Greece, Hungary, Iceland, Ireland, Italy, Montenegro, Netherlands, Norway, Poland, Portugal, Romania, \
    Serbia, Slovakia, Slovenia, Spain, Sweden, Switzerland, Turkey, United Kingdom
    """,
    "Oceania": "Australia, New Zealand",
]
