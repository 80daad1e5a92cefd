//! The variables that are made anew at each use: Postman's `$guid`, `$timestamp`, `$randomFirstName` and so on.
//!
//! The names are all that Postman documents; the words they choose from are this project's own (`words`).
//! Randomness and the clock are arguments, so that a test knows what comes.

use std::fmt;

use rand_core::RngCore;

use crate::variable::Moment;
use crate::variable::date::{MONTHS, WEEKDAYS};
use crate::variable::{speech, words};

/// What makes dynamic values: a generator and the time.
pub struct Dynamic<'r> {
    rng: &'r mut dyn RngCore,
    now_ms: u64,
}

impl fmt::Debug for Dynamic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

type Make = fn(&mut Dynamic<'_>) -> String;

/// The names and descriptions of all dynamic variables, in the order of their names.
pub fn documented() -> impl Iterator<Item = (&'static str, &'static str)> {
    VARIABLES.iter().map(|(name, description, _)| (*name, *description))
}

pub(crate) fn description(name: &str) -> Option<&'static str> {
    find(name).map(|(_, description, _)| *description)
}

fn find(name: &str) -> Option<&'static (&'static str, &'static str, Make)> {
    let at = VARIABLES.binary_search_by(|(known, _, _)| (*known).cmp(name)).ok()?;
    VARIABLES.get(at)
}

impl<'r> Dynamic<'r> {
    /// Makes values from a generator at a time.
    pub fn new(rng: &'r mut dyn RngCore, now_ms: u64) -> Self {
        Self { rng, now_ms }
    }

    /// A new value of a dynamic variable; none if there is no such variable.
    pub fn value(&mut self, name: &str) -> Option<String> {
        name.strip_prefix('$')?;
        find(name).map(|(_, _, make)| make(self))
    }

    /// Below a bound; the bias of the remainder is far below what test values need.
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound.max(1)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let at = self.below(words.len() as u64);
        words.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or_default()
    }

    fn picks(&mut self, words: &[&str], count: u64) -> Vec<String> {
        (0..count).map(|_| self.pick(words).to_owned()).collect()
    }

    /// Each `#` becomes a digit, each `?` a capital letter.
    fn pattern(&mut self, pattern: &str) -> String {
        let sign = |sign| match sign {
            '#' => char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0)),
            '?' => char::from(b'A' + u8::try_from(self.below(26)).unwrap_or(0)),
            other => other,
        };
        pattern.chars().map(sign).collect()
    }

    fn signs(&mut self, signs: &str, count: u64) -> String {
        let signs = signs.as_bytes();
        let one = |_| {
            let at = self.below(signs.len() as u64);
            signs.get(usize::try_from(at).unwrap_or(0)).copied().map_or('0', char::from)
        };
        (0..count).map(one).collect()
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        let (third, variant) = (0x4000 | high & 0x0fff, 0x8000 | low >> 48 & 0x3fff);
        format!(
            "{:08x}-{:04x}-{third:04x}-{variant:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            low & 0xffff_ffff_ffff
        )
    }

    fn decimal(&mut self, least: i64, most: i64, digits: u32) -> String {
        let scale = 10_u64.pow(digits);
        let steps = self.below(most.abs_diff(least) * scale + 1);
        let value = i128::from(least) * i128::from(scale) + i128::from(steps);
        let (whole, part) =
            (value.unsigned_abs() / u128::from(scale), value.unsigned_abs() % u128::from(scale));
        let sign = if value < 0 { "-" } else { "" };
        format!("{sign}{whole}.{part:0width$}", width = digits as usize)
    }

    fn sentence(&mut self) -> String {
        let count = self.between(4, 10);
        let text = self.picks(words::LOREM, count).join(" ");
        format!("{}.", capital(&text))
    }

    fn sentences(&mut self, least: u64, most: u64, between: &str) -> String {
        let count = self.between(least, most);
        (0..count).map(|_| self.sentence()).collect::<Vec<_>>().join(between)
    }

    fn paragraphs(&mut self) -> String {
        (0..3).map(|_| self.sentences(3, 6, " ")).collect::<Vec<_>>().join("\n \r")
    }

    fn first(&mut self) -> String {
        self.pick(words::FIRST_NAMES).to_owned()
    }

    fn last(&mut self) -> String {
        self.pick(words::LAST_NAMES).to_owned()
    }

    fn user_name(&mut self) -> String {
        let separator = self.pick(&[".", "_", ""]);
        let number = self.between(1, 99);
        format!("{}{separator}{}{number}", self.first(), self.last())
    }

    fn domain(&mut self) -> String {
        format!("{}.{}", self.pick(words::DOMAIN_WORDS), self.pick(words::DOMAIN_SUFFIXES))
    }

    fn image(&mut self, topic: &str) -> String {
        // `lock` makes each address another picture.
        format!("https://loremflickr.com/640/480{topic}?lock={}", self.between(1, 99_999))
    }

    fn file(&mut self, endings: &[&str]) -> String {
        let name = self.picks(words::LOREM, 2).join("_");
        format!("{name}.{}", self.pick(endings))
    }

    fn street(&mut self) -> String {
        format!("{} {}", self.last(), self.pick(words::STREET_SUFFIXES))
    }

    fn past(&mut self, ms_max: u64) -> String {
        let ago = self.between(1, ms_max);
        Moment::from_ms(self.now_ms.saturating_sub(ago)).script()
    }

    fn iban(&mut self) -> String {
        let bank = self.pattern("??##############");
        let country = self.pick(&["GB", "DE", "FR", "NL", "ES"]);
        // The check digits are 98 minus the number that the rest makes, modulo 97.
        let number = format!("{bank}{country}00").bytes().fold(0, |rest: u64, sign| match sign {
            b'0'..=b'9' => (rest * 10 + u64::from(sign - b'0')) % 97,
            _ => (rest * 100 + u64::from(sign - b'A' + 10)) % 97,
        });
        format!("{country}{:02}{bank}", 98 - number)
    }
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
}

const YEAR_MS: u64 = 365 * 86_400_000;
const LETTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Sorted by name.
static VARIABLES: &[(&str, &str, Make)] = &[
    ("$guid", "a version 4 UUID", |d| d.uuid()),
    ("$isoTimestamp", "the current time in ISO 8601, in UTC", |d| Moment::from_ms(d.now_ms).iso()),
    ("$randomAbbreviation", "an abbreviation", |d| d.pick(speech::ABBREVIATIONS).to_owned()),
    ("$randomAbstractImage", "the address of an abstract image", |d| d.image("/abstract")),
    ("$randomAdjective", "an adjective", |d| d.pick(speech::TECH_ADJECTIVES).to_owned()),
    ("$randomAlphaNumeric", "a letter or digit", |d| d.signs("0123456789abcdefghijklmnopqrstuvwxyz", 1)),
    ("$randomAnimalsImage", "the address of an image of animals", |d| d.image("/animals")),
    ("$randomAvatarImage", "the address of an avatar image", |d| {
        format!(
            "https://cloudflare-ipfs.com/ipfs/Qmd3W5DuhgHirLHGVixi6V76LhCkZUz6pnFt5AJBiyvHye/avatar/{}.jpg",
            d.below(1250)
        )
    }),
    ("$randomBankAccount", "an account number of 8 digits", |d| d.pattern("########")),
    ("$randomBankAccountBic", "a bank identifier code", |d| {
        d.pattern("????GB2L###").replace("GB2L###", "GB2L")
    }),
    ("$randomBankAccountIban", "an IBAN with right check digits", |d| d.iban()),
    ("$randomBankAccountName", "the name of a bank account", |d| {
        d.pick(words::ACCOUNTS).to_owned() + " Account"
    }),
    ("$randomBitcoin", "an address of the form of a Bitcoin address", |d| {
        let count = d.between(25, 33);
        let first = d.pick(&["1", "3"]);
        format!("{first}{}", d.signs("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", count))
    }),
    ("$randomBoolean", "true or false", |d| (d.below(2) == 1).to_string()),
    ("$randomBs", "a phrase of business speak", |d| {
        format!(
            "{} {} {}",
            d.pick(speech::BUSINESS_VERBS),
            d.pick(speech::BUSINESS_ADJECTIVES),
            d.pick(speech::BUSINESS_NOUNS)
        )
    }),
    ("$randomBsAdjective", "an adjective of business speak", |d| {
        d.pick(speech::BUSINESS_ADJECTIVES).to_owned()
    }),
    ("$randomBsBuzz", "a verb of business speak", |d| d.pick(speech::BUSINESS_VERBS).to_owned()),
    ("$randomBsNoun", "a noun of business speak", |d| d.pick(speech::BUSINESS_NOUNS).to_owned()),
    ("$randomBusinessImage", "the address of an image of business", |d| d.image("/business")),
    ("$randomCatchPhrase", "a catch phrase", |d| {
        format!(
            "{} {} {}",
            d.pick(speech::CATCH_ADJECTIVES),
            d.pick(speech::CATCH_DESCRIPTORS),
            d.pick(speech::CATCH_NOUNS)
        )
    }),
    ("$randomCatchPhraseAdjective", "an adjective of a catch phrase", |d| {
        d.pick(speech::CATCH_ADJECTIVES).to_owned()
    }),
    ("$randomCatchPhraseDescriptor", "a descriptor of a catch phrase", |d| {
        d.pick(speech::CATCH_DESCRIPTORS).to_owned()
    }),
    ("$randomCatchPhraseNoun", "a noun of a catch phrase", |d| d.pick(speech::CATCH_NOUNS).to_owned()),
    ("$randomCatsImage", "the address of an image of cats", |d| d.image("/cats")),
    ("$randomCity", "a city", |d| d.pick(words::CITIES).to_owned()),
    ("$randomCityImage", "the address of an image of a city", |d| d.image("/city")),
    ("$randomColor", "a colour", |d| d.pick(words::COLORS).to_owned()),
    ("$randomCommonFileExt", "a common file ending", |d| d.pick(words::FILE_ENDINGS).to_owned()),
    ("$randomCommonFileName", "a file name with a common ending", |d| d.file(words::FILE_ENDINGS)),
    ("$randomCommonFileType", "a common kind of file", |d| {
        d.pick(&["application", "audio", "image", "text", "video"]).to_owned()
    }),
    ("$randomCompanyName", "a company", |d| match d.below(2) {
        0 => format!("{} {}", d.last(), d.pick(words::COMPANY_SUFFIXES)),
        _ => format!("{} - {}", d.last(), d.last()),
    }),
    ("$randomCompanySuffix", "the end of a company's name", |d| d.pick(words::COMPANY_SUFFIXES).to_owned()),
    ("$randomCountry", "a country", |d| d.pick(words::COUNTRIES).get(3..).unwrap_or_default().to_owned()),
    ("$randomCountryCode", "a country's code of two letters", |d| {
        d.pick(words::COUNTRIES).get(..2).unwrap_or_default().to_owned()
    }),
    ("$randomCreditCardMask", "the last four digits of a card", |d| d.pattern("####")),
    ("$randomCurrencyCode", "a currency's code", |d| {
        d.pick(words::CURRENCIES).split('|').next().unwrap_or_default().to_owned()
    }),
    ("$randomCurrencyName", "a currency", |d| {
        d.pick(words::CURRENCIES).split('|').nth(2).unwrap_or_default().to_owned()
    }),
    ("$randomCurrencySymbol", "a currency's sign", |d| {
        d.pick(words::CURRENCIES).split('|').nth(1).unwrap_or_default().to_owned()
    }),
    ("$randomDatabaseCollation", "a collation", |d| d.pick(words::COLLATIONS).to_owned()),
    ("$randomDatabaseColumn", "a column", |d| d.pick(words::COLUMNS).to_owned()),
    ("$randomDatabaseEngine", "a storage engine", |d| d.pick(words::ENGINES).to_owned()),
    ("$randomDatabaseType", "a type of a column", |d| d.pick(words::COLUMN_TYPES).to_owned()),
    ("$randomDateFuture", "a moment within the next year", |d| {
        let ahead = d.between(1, YEAR_MS);
        Moment::from_ms(d.now_ms + ahead).script()
    }),
    ("$randomDatePast", "a moment within the last year", |d| d.past(YEAR_MS)),
    ("$randomDateRecent", "a moment within the last day", |d| d.past(86_400_000)),
    ("$randomDepartment", "a department of a shop", |d| d.pick(words::DEPARTMENTS).to_owned()),
    ("$randomDirectoryPath", "the path of a folder", |d| d.pick(words::DIRECTORIES).to_owned()),
    ("$randomDomainName", "a domain", |d| d.domain()),
    ("$randomDomainSuffix", "the end of a domain", |d| d.pick(words::DOMAIN_SUFFIXES).to_owned()),
    ("$randomDomainWord", "the beginning of a domain", |d| d.pick(words::DOMAIN_WORDS).to_owned()),
    ("$randomEmail", "an e-mail address", |d| {
        format!("{}@{}", d.user_name(), d.pick(&["mail.example", "post.example", "inbox.example"]))
    }),
    ("$randomExampleEmail", "an e-mail address at example.com, .net or .org", |d| {
        format!("{}@example.{}", d.user_name(), d.pick(&["com", "net", "org"]))
    }),
    ("$randomFashionImage", "the address of an image of fashion", |d| d.image("/fashion")),
    ("$randomFileExt", "a file ending", |d| d.pick(words::RARE_FILE_ENDINGS).to_owned()),
    ("$randomFileName", "a file name", |d| d.file(words::RARE_FILE_ENDINGS)),
    ("$randomFilePath", "the path of a file", |d| {
        format!("{}/{}", d.pick(words::DIRECTORIES), d.file(words::RARE_FILE_ENDINGS))
    }),
    ("$randomFileType", "a kind of file", |d| {
        d.pick(&["application", "audio", "font", "image", "message", "model", "text", "video"]).to_owned()
    }),
    ("$randomFirstName", "a first name", |d| d.first()),
    ("$randomFoodImage", "the address of an image of food", |d| d.image("/food")),
    ("$randomFullName", "a first and a last name", |d| format!("{} {}", d.first(), d.last())),
    ("$randomHexColor", "a colour in hexadecimal", |d| format!("#{}", d.signs("0123456789abcdef", 6))),
    ("$randomIP", "an IPv4 address", |d| {
        format!("{}.{}.{}.{}", d.below(256), d.below(256), d.below(256), d.below(256))
    }),
    ("$randomIPV6", "an IPv6 address", |d| {
        (0..8).map(|_| d.signs("0123456789abcdef", 4)).collect::<Vec<_>>().join(":")
    }),
    ("$randomImageDataUri", "a small image as a data URI", |d| {
        let color = d.signs("0123456789abcdef", 6);
        format!(
            "data:image/svg+xml;charset=UTF-8,%3Csvg%20xmlns%3D%22http%3A%2F%2Fwww.w3.org%2F2000%2Fsvg%22%20width%3D%22640%22%20height%3D%22480%22%3E%3Crect%20width%3D%22100%25%22%20height%3D%22100%25%22%20fill%3D%22%23{color}%22%2F%3E%3C%2Fsvg%3E"
        )
    }),
    ("$randomImageUrl", "the address of an image", |d| d.image("")),
    ("$randomIngverb", "a verb ending in -ing", |d| d.pick(speech::TECH_ING_VERBS).to_owned()),
    ("$randomInt", "a whole number from 0 to 1000", |d| d.below(1001).to_string()),
    ("$randomJobArea", "an area of work", |d| d.pick(speech::JOB_AREAS).to_owned()),
    ("$randomJobDescriptor", "a rank of work", |d| d.pick(speech::JOB_DESCRIPTORS).to_owned()),
    ("$randomJobTitle", "a job", |d| {
        format!(
            "{} {} {}",
            d.pick(speech::JOB_DESCRIPTORS),
            d.pick(speech::JOB_AREAS),
            d.pick(speech::JOB_TYPES)
        )
    }),
    ("$randomJobType", "a kind of job", |d| d.pick(speech::JOB_TYPES).to_owned()),
    ("$randomLastName", "a last name", |d| d.last()),
    ("$randomLatitude", "a latitude", |d| d.decimal(-90, 90, 4)),
    ("$randomLocale", "a language's code", |d| d.pick(words::LOCALES).to_owned()),
    ("$randomLongitude", "a longitude", |d| d.decimal(-180, 180, 4)),
    ("$randomLoremLines", "one to five lines of filler text", |d| d.sentences(1, 5, "\n")),
    ("$randomLoremParagraph", "a paragraph of filler text", |d| d.sentences(3, 6, " ")),
    ("$randomLoremParagraphs", "three paragraphs of filler text", |d| d.paragraphs()),
    ("$randomLoremSentence", "a sentence of filler text", |d| d.sentence()),
    ("$randomLoremSentences", "two to six sentences of filler text", |d| d.sentences(2, 6, " ")),
    ("$randomLoremSlug", "three words of filler text with hyphens", |d| d.picks(words::LOREM, 3).join("-")),
    ("$randomLoremText", "some filler text", |d| d.sentences(1, 6, " ")),
    ("$randomLoremWord", "a word of filler text", |d| d.pick(words::LOREM).to_owned()),
    ("$randomLoremWords", "three words of filler text", |d| d.picks(words::LOREM, 3).join(" ")),
    ("$randomMACAddress", "a MAC address", |d| {
        (0..6).map(|_| d.signs("0123456789abcdef", 2)).collect::<Vec<_>>().join(":")
    }),
    ("$randomMimeType", "a media type", |d| d.pick(words::MEDIA_TYPES).to_owned()),
    ("$randomMonth", "a month", |d| d.pick(&MONTHS).to_owned()),
    ("$randomNamePrefix", "a title before a name", |d| {
        d.pick(&["Mr.", "Mrs.", "Ms.", "Miss", "Dr."]).to_owned()
    }),
    ("$randomNameSuffix", "a title after a name", |d| {
        d.pick(&["Jr.", "Sr.", "I", "II", "III", "IV", "V", "MD", "DDS", "PhD"]).to_owned()
    }),
    ("$randomNatureImage", "the address of an image of nature", |d| d.image("/nature")),
    ("$randomNightlifeImage", "the address of an image of nightlife", |d| d.image("/nightlife")),
    ("$randomNoun", "a noun", |d| d.pick(speech::TECH_NOUNS).to_owned()),
    ("$randomPassword", "15 letters and digits", |d| d.signs(LETTERS, 15)),
    ("$randomPeopleImage", "the address of an image of people", |d| d.image("/people")),
    ("$randomPhoneNumber", "a phone number of ten digits", |d| {
        format!("{}-{}", d.between(201, 989), d.pattern("###-####"))
    }),
    ("$randomPhoneNumberExt", "a phone number with an extension", |d| {
        format!("{}-{}-{}", d.between(1, 99), d.between(201, 989), d.pattern("###-####"))
    }),
    ("$randomPhrase", "a phrase", |d| {
        let (verb, adjective) = (d.pick(speech::TECH_VERBS), d.pick(speech::TECH_ADJECTIVES));
        let (short, noun) = (d.pick(speech::ABBREVIATIONS), d.pick(speech::TECH_NOUNS));
        format!("We need to {verb} the {adjective} {short} {noun}!")
    }),
    ("$randomPrice", "a price from 0.00 to 1000.00", |d| d.decimal(0, 1000, 2)),
    ("$randomProduct", "a product", |d| d.pick(words::PRODUCTS).to_owned()),
    ("$randomProductAdjective", "an adjective of a product", |d| {
        d.pick(words::PRODUCT_ADJECTIVES).to_owned()
    }),
    ("$randomProductMaterial", "a material", |d| d.pick(words::MATERIALS).to_owned()),
    ("$randomProductName", "a product's name", |d| {
        format!(
            "{} {} {}",
            d.pick(words::PRODUCT_ADJECTIVES),
            d.pick(words::MATERIALS),
            d.pick(words::PRODUCTS)
        )
    }),
    ("$randomProtocol", "http or https", |d| d.pick(&["http", "https"]).to_owned()),
    ("$randomSemver", "a version", |d| format!("{}.{}.{}", d.below(10), d.below(10), d.below(10))),
    ("$randomSportsImage", "the address of an image of sports", |d| d.image("/sports")),
    ("$randomStreetAddress", "a street and number", |d| {
        let digits = d.pick(&["###", "####", "#####"]);
        format!("{} {}", d.pattern(digits), d.street())
    }),
    ("$randomStreetName", "a street", |d| d.street()),
    ("$randomTransactionType", "a kind of transaction", |d| {
        d.pick(&["deposit", "withdrawal", "payment", "invoice"]).to_owned()
    }),
    ("$randomTransportImage", "the address of an image of transport", |d| d.image("/transport")),
    ("$randomUUID", "a version 4 UUID", |d| d.uuid()),
    ("$randomUrl", "a URL", |d| format!("{}://{}", d.pick(&["http", "https"]), d.domain())),
    ("$randomUserAgent", "a browser's name", |d| {
        let (system, version) = (d.pick(words::SYSTEMS), d.between(90, 140));
        format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    }),
    ("$randomUserName", "a user's name", |d| d.user_name()),
    ("$randomVerb", "a verb", |d| d.pick(speech::TECH_VERBS).to_owned()),
    ("$randomWeekday", "a weekday", |d| d.pick(&WEEKDAYS).to_owned()),
    ("$randomWord", "a word", |d| d.pick(words::WORDS).to_owned()),
    ("$randomWords", "two to five words", |d| {
        let count = d.between(2, 5);
        d.picks(words::WORDS, count).join(" ")
    }),
    ("$timestamp", "the current time in seconds since 1970", |d| ((d.now_ms + 500) / 1000).to_string()),
];

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{Dynamic, VARIABLES, documented};

    fn made(name: &str) -> Option<String> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        Dynamic::new(&mut rng, 1_577_836_800_123).value(name)
    }

    #[test]
    fn every_documented_variable_has_a_value_and_is_found() {
        let names: Vec<_> = documented().map(|(name, _)| name).collect();
        assert!(names.is_sorted());
        assert_eq!(names.len(), 118, "Postman documents as many");
        for (name, description, _) in VARIABLES {
            let value = made(name).unwrap_or_default();
            assert!(!value.is_empty() && !value.contains("{{") && !description.is_empty(), "{name}: {value}");
        }
        assert_eq!(made("$nope"), None);
        assert_eq!(made("guid"), None);
    }

    fn check(name: &str, form: &str) {
        let value = made(name).unwrap_or_default();
        let shape: String = value
            .chars()
            .map(|sign| match sign {
                '0'..='9' => '9',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                other => other,
            })
            .collect();
        assert_eq!(shape, form, "{name}: {value}");
    }

    #[test]
    fn values_have_the_documented_forms() {
        assert_eq!(made("$timestamp").as_deref(), Some("1577836800"));
        assert_eq!(made("$isoTimestamp").as_deref(), Some("2020-01-01T00:00:00.123Z"));
        check("$randomPhoneNumber", "999-999-9999");
        check("$randomBankAccount", "99999999");
        check("$randomSemver", "9.9.9");
        check("$randomCountryCode", "AA");
        check("$randomCreditCardMask", "9999");
        let uuid = made("$guid").unwrap_or_default();
        assert!(uuid.len() == 36 && &uuid[14..15] == "4" && "89ab".contains(&uuid[19..20]), "{uuid}");
        let iban = made("$randomBankAccountIban").unwrap_or_default();
        let turned = format!("{}{}", &iban[4..], &iban[..4]);
        let rest = turned.bytes().fold(0_u64, |rest, sign| match sign {
            b'0'..=b'9' => (rest * 10 + u64::from(sign - b'0')) % 97,
            _ => (rest * 100 + u64::from(sign - b'A' + 10)) % 97,
        });
        assert_eq!(rest, 1, "{iban}");
    }
}
