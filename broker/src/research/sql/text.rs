//! From text to the parser's tree and back again: bounds first, and nothing passed over at the end.

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer, Whitespace, Word};

use super::error::{Place, SqlError, SqlFault, refuse};
use super::{SQL_BYTES_MAX, SQL_NESTING_MAX, SQL_SIGNS_MAX};

/// The one that most researchers' tools speak. What it allows beyond the forms is refused later.
const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// A statement that is one query.
#[derive(Debug)]
pub(super) struct Text {
    /// Without whitespace.
    tokens: Vec<TokenWithSpan>,
    query: Box<Query>,
}

impl Text {
    /// Parses `sql`, within the bounds.
    pub(super) fn parse(sql: &str) -> Result<Self, SqlError> {
        if sql.len() > SQL_BYTES_MAX {
            return Err(SqlError::whole(SqlFault::TooLong));
        }
        let tokens = Tokenizer::new(&DIALECT, sql)
            .tokenize_with_location()
            .map_err(|error| SqlError {
                place: Place::of(error.location),
                fault: SqlFault::NotSql("a word or a text does not end".to_owned()),
            })?;
        let tokens = bounded(tokens)?;
        let mut statements = Parser::new(&DIALECT)
            .with_tokens_with_locations(tokens.clone())
            .parse_statements()
            .map_err(not_sql)?;
        let statement = statements.pop();
        match (statement, statements.is_empty()) {
            (Some(Statement::Query(query)), true) => Ok(Self { tokens, query }),
            (Some(_), true) => Err(SqlError::whole(SqlFault::Refused {
                what: "a statement that is no `SELECT`",
                instead: "write one `SELECT`; tables and columns are listed by the catalogue",
            })),
            (Some(_), false) => Err(SqlError::whole(SqlFault::Refused {
                what: "more than one statement at once",
                instead: "send them one at a time",
            })),
            (None, _) => Err(SqlError::whole(SqlFault::NotSql("it is empty".to_owned()))),
        }
    }

    pub(super) const fn query(&self) -> &Query {
        &self.query
    }

    /// Where `word` first stands.
    pub(super) fn span_of(&self, word: Keyword) -> Span {
        let stands = |token: &&TokenWithSpan| matches!(&token.token, Token::Word(Word { keyword, .. }) if *keyword == word);
        self.tokens
            .iter()
            .find(stands)
            .map_or_else(Span::empty, |token| token.span)
    }

    /// Fails if the tree, written out, is not what was read.
    ///
    /// A parser may pass over a word that it knows, and no look at its tree would tell.
    pub(super) fn is_all_read(&self) -> Result<(), SqlError> {
        let again = Tokenizer::new(&DIALECT, &self.query.to_string())
            .tokenize()
            .map_err(|_| SqlError::whole(SqlFault::Unread))?;
        let mut again = again
            .iter()
            .filter(|token| !matches!(token, Token::Whitespace(_)) && !is_noise(token));
        for token in self.tokens.iter().filter(|token| !is_noise(&token.token)) {
            if !again.next().is_some_and(|again| same(again, &token.token)) {
                return Err(SqlError::at(token.span, SqlFault::Unread));
            }
        }
        match again.next() {
            None => Ok(()),
            Some(_) => Err(SqlError::whole(SqlFault::Unread)),
        }
    }
}

/// The tokens without whitespace, if they are neither too many nor nested too deep.
fn bounded(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut kept = Vec::with_capacity(tokens.len());
    let (mut depth, mut signs) = (0_usize, 0_usize);
    for token in tokens {
        match &token.token {
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
            ) => {
                return refuse(
                    token.span,
                    "a comment",
                    "leave it out: nothing may stand unread",
                );
            }
            Token::Whitespace(_) => continue,
            Token::Placeholder(_) => {
                return refuse(token.span, "a parameter", "write the value itself");
            }
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) => {}
            _ => signs += 1,
        }
        if depth > SQL_NESTING_MAX {
            return Err(SqlError::at(token.span, SqlFault::TooDeep));
        }
        if signs > SQL_SIGNS_MAX {
            return Err(SqlError::at(token.span, SqlFault::TooManySigns));
        }
        kept.push(token);
    }
    // A `;` at the end ends nothing more than the text does.
    while kept.last().is_some_and(|last| is_end(&last.token)) {
        kept.pop();
    }
    Ok(kept)
}

const fn is_end(token: &Token) -> bool {
    matches!(token, Token::SemiColon | Token::EOF)
}

/// Words that say nothing and may be left out.
const fn is_noise(token: &Token) -> bool {
    matches!(
        token,
        Token::Word(Word {
            keyword: Keyword::AS,
            quote_style: None,
            ..
        })
    )
}

fn same(one: &Token, other: &Token) -> bool {
    match (one, other) {
        (Token::Word(one), Token::Word(other)) => {
            one.quote_style == other.quote_style
                && if one.quote_style.is_some() {
                    one.value == other.value
                } else {
                    one.value.eq_ignore_ascii_case(&other.value)
                }
        }
        _ => one == other,
    }
}

/// What the parser says, without what it found: that may be a person's number.
fn not_sql(error: ParserError) -> SqlError {
    let message = match error {
        ParserError::RecursionLimitExceeded => return SqlError::whole(SqlFault::TooDeep),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let (message, place) = match message.rsplit_once(" at Line: ") {
        None => (message.as_str(), None),
        Some((message, at)) => (message, place(at)),
    };
    let expected = message
        .split_once(", found: ")
        .and_then(|(expected, _)| expected.strip_prefix("Expected: "))
        .map_or_else(
            || "the parser does not know it".to_owned(),
            |expected| format!("expected {expected}"),
        );
    SqlError {
        place,
        fault: SqlFault::NotSql(expected),
    }
}

/// Reads `1, Column: 8`.
fn place(at: &str) -> Option<Place> {
    let (line, column) = at.split_once(", Column: ")?;
    Some(Place {
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    })
}
