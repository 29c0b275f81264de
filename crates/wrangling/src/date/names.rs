//! Names of months, days and halves of the day in other languages than English, as CLDR has them inside of dates.

/// The names of a language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Full and short.
    months: [&'static str; 24],
    /// Full and short, Monday first.
    days: [&'static str; 14],
    half_days: [&'static str; 2],
}

/// The language of a locale's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Other(&'static Names),
}

impl Language {
    /// The language of a locale such as `de`, `fr-CA` or `pt_BR`; `None` if its names are not known.
    pub(crate) fn of(locale: &str) -> Option<Self> {
        let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
        let names = match language.to_ascii_lowercase().as_str() {
            "en" => return Some(Self::English),
            "cs" => &CZECH,
            "da" => &DANISH,
            "de" => &GERMAN,
            "es" => &SPANISH,
            "fi" => &FINNISH,
            "fr" => &FRENCH,
            "it" => &ITALIAN,
            "ja" => &JAPANESE,
            "nb" | "no" => &NORWEGIAN,
            "nl" => &DUTCH,
            "pl" => &POLISH,
            "pt" => &PORTUGUESE,
            "ru" => &RUSSIAN,
            "sv" => &SWEDISH,
            _ => return None,
        };
        Some(Self::Other(names))
    }
}

impl Names {
    /// The month at the start of a text, from 1, and how many bytes its name takes.
    pub(super) fn month(&self, text: &str) -> Option<(usize, usize)> {
        longest(&self.months, text).map(|(at, len)| (at % 12 + 1, len))
    }

    /// The day at the start of a text; Monday is 1.
    pub(super) fn day(&self, text: &str) -> Option<(usize, usize)> {
        longest(&self.days, text).map(|(at, len)| (at % 7 + 1, len))
    }

    /// Morning (0) or afternoon (1).
    pub(super) fn half_day(&self, text: &str) -> Option<(usize, usize)> {
        longest(&self.half_days, text)
    }
}

/// The longest name that the text begins with: as written, all in lower or all in upper case; the point of a short one may
/// be missing, since editions of CLDR differ in it.
fn longest(names: &[&str], text: &str) -> Option<(usize, usize)> {
    let fits = |name: &str| {
        [name.to_owned(), name.to_lowercase(), name.to_uppercase()]
            .iter()
            .filter(|form| text.starts_with(form.as_str()))
            .map(String::len)
            .max()
    };
    let found = names.iter().enumerate().filter_map(|(at, name)| {
        let pointless = name.strip_suffix('.').and_then(fits);
        Some((at, fits(name).max(pointless)?))
    });
    // of several as long, such as `mars` in full and short, the first counts
    found.rev().max_by_key(|(_, len)| *len)
}

macro_rules! names {
    ($($name:ident: [$($month:literal)+] [$($day:literal)+] [$($half:literal)+])+) => {
        $(const $name: Names = Names { months: [$($month),+], days: [$($day),+], half_days: [$($half),+] };)+
    };
}

names! {
CZECH:
["ledna" "února" "března" "dubna" "května" "června" "července" "srpna" "září" "října" "listopadu" "prosince"
"led" "úno" "bře" "dub" "kvě" "čvn" "čvc" "srp" "zář" "říj" "lis" "pro"]
["pondělí" "úterý" "středa" "čtvrtek" "pátek" "sobota" "neděle" "po" "út" "st" "čt" "pá" "so" "ne"]
["dop." "odp."]
DANISH:
["januar" "februar" "marts" "april" "maj" "juni" "juli" "august" "september" "oktober" "november" "december"
"jan." "feb." "mar." "apr." "maj" "jun." "jul." "aug." "sep." "okt." "nov." "dec."]
["mandag" "tirsdag" "onsdag" "torsdag" "fredag" "lørdag" "søndag" "man." "tirs." "ons." "tors." "fre." "lør." "søn."]
["AM" "PM"]
GERMAN:
["Januar" "Februar" "März" "April" "Mai" "Juni" "Juli" "August" "September" "Oktober" "November" "Dezember"
"Jan." "Feb." "März" "Apr." "Mai" "Juni" "Juli" "Aug." "Sept." "Okt." "Nov." "Dez."]
["Montag" "Dienstag" "Mittwoch" "Donnerstag" "Freitag" "Samstag" "Sonntag" "Mo." "Di." "Mi." "Do." "Fr." "Sa." "So."]
["AM" "PM"]
SPANISH:
["enero" "febrero" "marzo" "abril" "mayo" "junio" "julio" "agosto" "septiembre" "octubre" "noviembre" "diciembre"
"ene." "feb." "mar." "abr." "may." "jun." "jul." "ago." "sept." "oct." "nov." "dic."]
["lunes" "martes" "miércoles" "jueves" "viernes" "sábado" "domingo" "lun." "mar." "mié." "jue." "vie." "sáb." "dom."]
["a.\u{a0}m." "p.\u{a0}m."]
FINNISH:
["tammikuuta" "helmikuuta" "maaliskuuta" "huhtikuuta" "toukokuuta" "kesäkuuta" "heinäkuuta" "elokuuta" "syyskuuta"
"lokakuuta" "marraskuuta" "joulukuuta"
"tammik." "helmik." "maalisk." "huhtik." "toukok." "kesäk." "heinäk." "elok." "syysk." "lokak." "marrask." "jouluk."]
["maanantaina" "tiistaina" "keskiviikkona" "torstaina" "perjantaina" "lauantaina" "sunnuntaina" "ma" "ti" "ke" "to" "pe" "la" "su"]
["ap." "ip."]
FRENCH:
["janvier" "février" "mars" "avril" "mai" "juin" "juillet" "août" "septembre" "octobre" "novembre" "décembre"
"janv." "févr." "mars" "avr." "mai" "juin" "juil." "août" "sept." "oct." "nov." "déc."]
["lundi" "mardi" "mercredi" "jeudi" "vendredi" "samedi" "dimanche" "lun." "mar." "mer." "jeu." "ven." "sam." "dim."]
["AM" "PM"]
ITALIAN:
["gennaio" "febbraio" "marzo" "aprile" "maggio" "giugno" "luglio" "agosto" "settembre" "ottobre" "novembre" "dicembre"
"gen" "feb" "mar" "apr" "mag" "giu" "lug" "ago" "set" "ott" "nov" "dic"]
["lunedì" "martedì" "mercoledì" "giovedì" "venerdì" "sabato" "domenica" "lun" "mar" "mer" "gio" "ven" "sab" "dom"]
["AM" "PM"]
JAPANESE:
["1月" "2月" "3月" "4月" "5月" "6月" "7月" "8月" "9月" "10月" "11月" "12月"
"1月" "2月" "3月" "4月" "5月" "6月" "7月" "8月" "9月" "10月" "11月" "12月"]
["月曜日" "火曜日" "水曜日" "木曜日" "金曜日" "土曜日" "日曜日" "月" "火" "水" "木" "金" "土" "日"]
["午前" "午後"]
NORWEGIAN:
["januar" "februar" "mars" "april" "mai" "juni" "juli" "august" "september" "oktober" "november" "desember"
"jan." "feb." "mars" "apr." "mai" "juni" "juli" "aug." "sep." "okt." "nov." "des."]
["mandag" "tirsdag" "onsdag" "torsdag" "fredag" "lørdag" "søndag" "man." "tir." "ons." "tor." "fre." "lør." "søn."]
["a.m." "p.m."]
DUTCH:
["januari" "februari" "maart" "april" "mei" "juni" "juli" "augustus" "september" "oktober" "november" "december"
"jan." "feb." "mrt." "apr." "mei" "jun." "jul." "aug." "sep." "okt." "nov." "dec."]
["maandag" "dinsdag" "woensdag" "donderdag" "vrijdag" "zaterdag" "zondag" "ma" "di" "wo" "do" "vr" "za" "zo"]
["a.m." "p.m."]
POLISH:
["stycznia" "lutego" "marca" "kwietnia" "maja" "czerwca" "lipca" "sierpnia" "września" "października" "listopada" "grudnia"
"sty" "lut" "mar" "kwi" "maj" "cze" "lip" "sie" "wrz" "paź" "lis" "gru"]
["poniedziałek" "wtorek" "środa" "czwartek" "piątek" "sobota" "niedziela" "pon." "wt." "śr." "czw." "pt." "sob." "niedz."]
["AM" "PM"]
PORTUGUESE:
["janeiro" "fevereiro" "março" "abril" "maio" "junho" "julho" "agosto" "setembro" "outubro" "novembro" "dezembro"
"jan." "fev." "mar." "abr." "mai." "jun." "jul." "ago." "set." "out." "nov." "dez."]
["segunda-feira" "terça-feira" "quarta-feira" "quinta-feira" "sexta-feira" "sábado" "domingo" "seg." "ter." "qua." "qui." "sex." "sáb." "dom."]
["AM" "PM"]
RUSSIAN:
["января" "февраля" "марта" "апреля" "мая" "июня" "июля" "августа" "сентября" "октября" "ноября" "декабря"
"янв." "февр." "мар." "апр." "мая" "июн." "июл." "авг." "сент." "окт." "нояб." "дек."]
["понедельник" "вторник" "среда" "четверг" "пятница" "суббота" "воскресенье" "пн" "вт" "ср" "чт" "пт" "сб" "вс"]
["AM" "PM"]
SWEDISH:
["januari" "februari" "mars" "april" "maj" "juni" "juli" "augusti" "september" "oktober" "november" "december"
"jan." "feb." "mars" "apr." "maj" "juni" "juli" "aug." "sep." "okt." "nov." "dec."]
["måndag" "tisdag" "onsdag" "torsdag" "fredag" "lördag" "söndag" "mån" "tis" "ons" "tors" "fre" "lör" "sön"]
["fm" "em"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_counts() {
        for (locale, text, month) in [
            ("de-DE", "März 2024", Some((3, 5))),
            ("de", "SEPT. 1", Some((9, 5))),
            ("de", "Sep 1", None),
            ("de", "Dez 1", Some((12, 3))),
            ("fr_FR", "juillet", Some((7, 7))),
            ("fr", "août", Some((8, 5))),
            ("fr", "aOût", None),
            ("ja", "12月", Some((12, 5))),
            ("pt_BR", "mar.", Some((3, 4))),
            ("nl", "mei", Some((5, 3))),
        ] {
            let Some(Language::Other(names)) = Language::of(locale) else {
                panic!("{locale}");
            };
            assert_eq!(names.month(text), month, "{locale} {text}");
        }
        assert_eq!(Language::of("en-GB"), Some(Language::English));
        assert_eq!(Language::of("xx"), None);
    }
}
