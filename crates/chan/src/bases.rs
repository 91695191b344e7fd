//! The numbers an era (the bars between two resets) begins at. Within an era everything counts from 0, but the bars.

use crate::center::Center;
use crate::event::Object;
use crate::picture::Picture;
use crate::point::Point;
use crate::stroke::Stroke;
use crate::structure::{LevelCenter, LevelKind, LevelPoint, Segment};
use crate::trend::TrendType;

/// How many objects the eras before have left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bases {
    pub strokes: usize,
    pub segments: usize,
    pub super_segments: usize,
    pub stroke_centers: usize,
    pub segment_centers: usize,
}

impl Bases {
    /// Returns the number of the first element of a level.
    fn elements(&self, level: LevelKind) -> usize {
        match level {
            LevelKind::Stroke => self.strokes,
            LevelKind::Segment => self.segments,
        }
    }

    pub fn stroke(&self, stroke: Stroke) -> Stroke {
        Stroke { index: stroke.index + self.strokes, ..stroke }
    }

    pub fn segment(&self, segment: Segment) -> Segment {
        let elements = self.elements(segment.level);
        let spans = match segment.level {
            LevelKind::Stroke => self.segments,
            LevelKind::Segment => self.super_segments,
        };
        Segment {
            index: segment.index + spans,
            start_element: segment.start_element + elements,
            end_element: segment.end_element + elements,
            ..segment
        }
    }

    pub fn center(&self, center: LevelCenter) -> LevelCenter {
        let base = self.elements(center.level);
        let Center { start, end, .. } = center.center;
        LevelCenter {
            center: Center { start: start + base, end: end + base, ..center.center },
            entry: center.entry.map(|entry| entry + base),
            exit: center.exit.map(|exit| exit + base),
            ..center
        }
    }

    pub fn typed_point(&self, point: LevelPoint) -> LevelPoint {
        LevelPoint { element: point.element + self.elements(point.level), ..point }
    }

    pub fn point(&self, level: LevelKind, point: Point) -> Point {
        Point { element: point.element + self.elements(level), ..point }
    }

    pub fn trend(&self, level: LevelKind, trend: TrendType) -> TrendType {
        let elements = self.elements(level);
        let centers = match level {
            LevelKind::Stroke => self.stroke_centers,
            LevelKind::Segment => self.segment_centers,
        };
        TrendType {
            first_center: trend.first_center + centers,
            last_center: trend.last_center + centers,
            start_element: trend.start_element + elements,
            end_element: trend.end_element + elements,
            ..trend
        }
    }

    /// Returns a picture of the era, numbered over all eras.
    pub fn picture(&self, mut picture: Picture) -> Picture {
        for known in &mut picture.strokes {
            known.stroke = self.stroke(known.stroke);
        }
        for tops in [&mut picture.of_strokes, &mut picture.of_segments] {
            tops.segments.iter_mut().for_each(|segment| *segment = self.segment(*segment));
            tops.centers.iter_mut().for_each(|center| *center = self.center(*center));
            tops.points.iter_mut().for_each(|point| *point = self.typed_point(*point));
        }
        picture
    }

    pub fn object(&self, object: Object) -> Object {
        match object {
            Object::Stroke(stroke) => Object::Stroke(self.stroke(stroke)),
            Object::Segment(segment) => Object::Segment(self.segment(segment)),
            Object::Center(center) => Object::Center(self.center(center)),
            Object::Point(point) => Object::Point(self.typed_point(point)),
            Object::Reset(reset) => Object::Reset(reset),
        }
    }
}
